// SPDX-License-Identifier: Apache-2.0
/// The result of an action, at the top of the page that follows.
public struct Notice: Sendable {
  enum Kind: String { case good, bad, note }

  let kind: Kind
  let text: HTML

  /// Something was done.
  public static func done(_ text: HTML) -> Notice { Notice(kind: .good, text: text) }
  /// Something was not done, and why.
  public static func failed(_ text: HTML) -> Notice { Notice(kind: .bad, text: text) }
  /// Something to know.
  public static func note(_ text: HTML) -> Notice { Notice(kind: .note, text: text) }

  var html: HTML {
    let role: HTML = kind == .bad ? "alert" : "status"
    let word: HTML = kind == .good ? "Done. " : kind == .bad ? "Not done. " : ""
    return "<p class=\"notice \(kind.rawValue)\" role=\"\(role)\"><strong>\(word)</strong>\(text)</p>"
  }
}
