// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel

/// The parameters of a call beside its input.
struct CallParameters {
  /// The form of the answer.
  enum Output { case envelope, raw, void }

  /// A parameter that cannot be used: one sentence.
  struct Problem: Error { let message: String }

  var output = Output.envelope
  var includesStandardOutput = false
  /// The limit that the caller set, the wait for a slot included; nil for the version's.
  var limit: Duration?

  /// Names the call, so that it is carried out once however often it is sent.
  var idempotencyKey: String?

  /// The defaults.
  init() {}

  /// Takes query and headers. Names and values are those of the original service; further parameters are ignored.
  init(_ request: HTTPRequest) throws(Problem) {
    switch request.target.parameter("output") {
    case nil, "default": break
    case "raw": output = .raw
    case "void": output = .void
    case .some: throw Problem(message: "the parameter output is raw, void or default; correct it, or leave it out.")
    }
    includesStandardOutput = ["true", "1"].contains(request.target.parameter("stdout")?.lowercased())
    if let text = request.target.parameter("timeout") {
      guard let seconds = Int(text), (1...3000).contains(seconds) else {
        throw Problem(message: "the parameter timeout is a number of seconds from 1 to 3000; correct it.")
      }
      limit = .seconds(seconds)
    }
    if let text = request["x-timeout"] {
      guard let seconds = Int(text), (1...3000).contains(seconds) else {
        throw Problem(message: "X-Timeout is a number of seconds from 1 to 3000; correct it.")
      }
      limit = min(limit ?? .seconds(seconds), .seconds(seconds))
    }
    let keys = request.all("idempotency-key")
    if !keys.isEmpty {
      // The draft of the standard has it in quotes, most clients have not.
      let isQuoted = keys[0].utf8.count > 1 && keys[0].hasPrefix("\"") && keys[0].hasSuffix("\"")
      let key = isQuoted ? String(keys[0].dropFirst().dropLast()) : keys[0]
      guard keys.count == 1, HTTPRequest.isIdentifier(key, limit: 255) else {
        throw Problem(message: "Idempotency-Key is one text of 1 to 255 letters, digits and ._:/+=@-; correct it.")
      }
      idempotencyKey = key
    }
  }
}
