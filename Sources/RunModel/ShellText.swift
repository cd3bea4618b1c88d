// SPDX-License-Identifier: Apache-2.0
/// Words as a shell would need them.
public enum ShellText {
  /// The word, in single quotes if a shell would otherwise split it.
  public static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "@%_-+=:,./".utf8.contains(byte)
      }
    }
    if plain, !word.isEmpty { return word }
    guard word.unicodeScalars.contains(where: TerminalText.isUnsafe) else {
      return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
    // A control character in a stored command must not reach the terminal: bash and zsh read it from its number.
    return "$'" + word.unicodeScalars.map { ansiQuoted($0) }.joined() + "'"
  }

  /// A command as it would be typed.
  public static func commandLine(_ words: [String]) -> String { words.map { quoted($0) }.joined(separator: " ") }

  private static func ansiQuoted(_ scalar: Unicode.Scalar) -> String {
    if scalar == "'" || scalar == "\\" { return "\\\(scalar)" }
    guard TerminalText.isUnsafe(scalar) else { return String(scalar) }
    return "\\U" + Hexadecimal.text(scalar.value)
  }
}
