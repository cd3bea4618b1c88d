// SPDX-License-Identifier: Apache-2.0
/// Strings of JSON.
public enum JSONString {
  /// The text of a JSON string in its quotes; nil for any other value.
  public static func text(_ json: [UInt8]) -> String? { json.withUnsafeBytes { text($0[...]) } }

  /// The same.
  public static func text(_ json: Slice<UnsafeRawBufferPointer>) -> String? {
    guard json.count > 1, json.first == UInt8(ascii: "\""), json.last == UInt8(ascii: "\"") else { return nil }
    return decode(json.dropFirst().dropLast())
  }

  /// The text between the quotes; a surrogate without its partner becomes U+FFFD.
  static func decode(_ raw: Slice<UnsafeRawBufferPointer>) -> String {
    guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
    var decoded: [UInt8] = []
    UnsafeRawBufferPointer(rebasing: raw).withMemoryRebound(to: UInt8.self) { bytes in
      if let start = bytes.baseAddress { JSONEscape.decode(start, count: bytes.count, into: &decoded) }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  /// Appends `text` as a JSON string in quotes; characters beyond printable ASCII become `\n` or `\uXXXX`.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    let isCopied = text.utf8.withContiguousStorageIfAvailable { characters in
      guard areAllPlain(characters) else { return false }
      bytes.append(contentsOf: characters)
      return true
    }
    if isCopied != true { appendEscaping(text, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func appendEscaping(_ text: String, to bytes: inout [UInt8]) {
    for unit in text.utf16 {
      if let byte = UInt8(exactly: unit), isPlain(byte) { bytes.append(byte) } else { appendEscape(unit, to: &bytes) }
    }
  }

  /// All bytes are looked at, without a branch: so the compiler checks 16 in a step.
  private static func areAllPlain(_ characters: UnsafeBufferPointer<UInt8>) -> Bool {
    var others: UInt8 = 0
    for byte in characters {
      others |= byte &- 0x20 > 0x5e ? 1 : 0
      others |= byte == 0x22 ? 1 : 0
      others |= byte == 0x5c ? 1 : 0
    }
    return others == 0
  }

  /// Whether a character stands for itself.
  private static func isPlain(_ byte: UInt8) -> Bool { byte < 0x7f && byte >= 0x20 && byte != 0x22 && byte != 0x5c }

  /// Appends the escape of a UTF-16 code unit.
  public static func appendEscape(_ unit: UInt16, to bytes: inout [UInt8]) {
    switch unit {
    case 0x22, 0x5c: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: unit)])
    case 0x0a: bytes.append(contentsOf: "\\n".utf8)
    case 0x0d: bytes.append(contentsOf: "\\r".utf8)
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    default:
      bytes.append(contentsOf: "\\u".utf8)
      for shift in [12, 8, 4, 0] {
        let digit = UInt8(truncatingIfNeeded: unit >> shift & 0xf)
        bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
  }
}
