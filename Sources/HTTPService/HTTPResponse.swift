// SPDX-License-Identifier: Apache-2.0
internal import JSONText
public import Platform

/// A response as a value.
public struct HTTPResponse: Sendable {
  /// The body.
  public enum Body: Sendable {
    /// In memory.
    case bytes([UInt8])
    /// All of a file.
    case file(Descriptor)
    /// Made while it is sent, in chunks.
    case made(any HTTPBody)
  }

  /// The HTTP status.
  public var status: Int
  /// Further headers: those that every response has are added when it is sent.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: Body
  /// Whether the connection is closed afterwards.
  public var closes = false

  /// A response with a body of the given type.
  public init(status: Int = 200, type: String, body: Body, headers: [(name: String, value: String)] = []) {
    self.status = status
    self.headers = [("Content-Type", type)] + headers
    self.body = body
  }

  /// A JSON document.
  public static func json(
    _ bytes: [UInt8], status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    HTTPResponse(status: status, type: "application/json", body: .bytes(bytes), headers: headers)
  }

  /// A line of text.
  public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status: status, type: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
  }

  /// The error form of the API: the message is also a header, which clients of the original service show.
  ///
  /// - Parameters:
  ///   - code: the number that clients of the original service know.
  ///   - type: identifies the error for programs.
  public static func error(
    _ status: Int, _ message: String, code: Int? = nil, type: String? = nil, requestID: String,
    headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    var json = JSONWriter()
    json.beginObject()
    json.name("error")
    json.beginObject()
    json.member("message", message)
    if let type { json.member("error_type", type) }
    if let code { json.member("code", integer: code) }
    json.member("request_id", requestID)
    json.endObject()
    json.endObject()
    return .json(json.bytes, status: status, headers: headers + [("X-Error-Message", line(message))])
  }

  /// A text as the value of a header, which is a line of ASCII.
  public static func line(_ text: String) -> String {
    String(decoding: text.utf8.map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// The media type of the body.
  public var type: String { headers.first { $0.name == "Content-Type" }?.value ?? "application/octet-stream" }

  /// Bytes of the body; nil if they are known only once it was sent.
  var size: Int? {
    switch body {
    case .bytes(let bytes): bytes.count
    case .file(let file): file.size
    case .made: nil
    }
  }
}
