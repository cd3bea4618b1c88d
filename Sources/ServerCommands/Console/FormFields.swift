// SPDX-License-Identifier: Apache-2.0
internal import HTTPService

/// The fields of a form that a browser sent.
struct FormFields: Sendable {
  private let fields: [(name: String, value: String)]

  /// Nil if the body is not a form, or too large for one.
  init?(_ body: RequestBody) {
    guard body.file == nil else { return nil }
    // A form is written like the query of a target.
    guard let target = RequestTarget(parsing: "/?" + String(decoding: body.bytes, as: UTF8.self)) else { return nil }
    fields = target.query
  }

  /// The value of a field, with the line ends of Unix; empty if it is missing.
  subscript(name: String) -> String {
    var value = ""
    // Browsers send CR LF, which is one Character.
    for character in fields.last(where: { $0.name == name })?.value ?? "" {
      value.append(character == "\r\n" ? "\n" : character)
    }
    return value
  }

  /// Whether a check box is set.
  func isSet(_ name: String) -> Bool { fields.contains { $0.name == name } }
}
