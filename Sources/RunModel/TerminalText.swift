// SPDX-License-Identifier: Apache-2.0
/// Text from outside made safe to show: an algorithm must not be able to drive the terminal through a message of ours.
public enum TerminalText {
  /// Control characters, invisible formatting and line ends as `\u{…}`; cut after `limit` characters with `…`.
  ///
  /// - Parameter inQuotes: whether the text is shown between double quotes, so that `"` and `\` need escapes.
  public static func escaped(_ text: some StringProtocol, limit: Int = 80, inQuotes: Bool = true) -> String {
    // Nearly every text.
    if text.utf8.count <= limit, text.utf8.allSatisfy(isPlain) { return String(text) }
    var shown = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else { return shown + "…" }
      count += 1
      if scalar.isASCII, isPlain(UInt8(truncatingIfNeeded: scalar.value)) {
        // The properties of a character take a look-up.
        shown.unicodeScalars.append(scalar)
        continue
      }
      if isUnsafe(scalar) {
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        if inQuotes, scalar == "\"" || scalar == "\\" { shown.unicodeScalars.append("\\") }
        shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  /// Whether an ASCII character stands for itself.
  private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c }

  /// Whether a character could do more to a terminal than show itself.
  static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: false
    }
  }

  /// The same for bytes that may not be text.
  public static func escaped(_ bytes: some Sequence<UInt8>, limit: Int = 80, inQuotes: Bool = true) -> String {
    escaped(String(decoding: Array(bytes.prefix(limit * 4)), as: UTF8.self), limit: limit, inQuotes: inQuotes)
  }
}
