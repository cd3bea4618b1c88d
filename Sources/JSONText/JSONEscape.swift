// SPDX-License-Identifier: Apache-2.0
/// One escape of a JSON string, a surrogate pair counting as one.
public struct JSONEscape {
  /// The character it means.
  let scalar: Unicode.Scalar
  /// Its bytes in the text: 2, 6 or 12.
  public let length: Int

  /// Nil if the bytes at `text`, which begin with a backslash, are not an escape, or mean half a character:
  /// a lone surrogate has no UTF-8.
  public init?(at text: UnsafePointer<UInt8>, available: Int) {
    guard available >= 2 else { return nil }
    switch text[1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): self.init(Unicode.Scalar(text[1]))
    case UInt8(ascii: "b"): self.init(Unicode.Scalar(0x08))
    case UInt8(ascii: "f"): self.init(Unicode.Scalar(0x0c))
    case UInt8(ascii: "n"): self.init(Unicode.Scalar(0x0a))
    case UInt8(ascii: "r"): self.init(Unicode.Scalar(0x0d))
    case UInt8(ascii: "t"): self.init(Unicode.Scalar(0x09))
    case UInt8(ascii: "u"): self.init(unicodeAt: text, available: available)
    default: return nil
    }
  }

  private init(_ scalar: Unicode.Scalar, length: Int = 2) {
    self.scalar = scalar
    self.length = length
  }

  private init?(unicodeAt text: UnsafePointer<UInt8>, available: Int) {
    guard let first = Self.unit(at: text, available: available) else { return nil }
    if let scalar = Unicode.Scalar(first) {
      self.init(scalar, length: 6)
      return
    }
    guard (0xd800..<0xdc00).contains(first), available >= 12, text[6] == UInt8(ascii: "\\"),
      let second = Self.unit(at: text + 6, available: available - 6), (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x1_0000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { return nil }
    self.init(scalar, length: 12)
  }

  /// The number of a `\uXXXX`.
  private static func unit(at text: UnsafePointer<UInt8>, available: Int) -> UInt32? {
    guard available >= 6, text[1] == UInt8(ascii: "u") else { return nil }
    var number: UInt32 = 0
    for index in 2..<6 {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): number = number << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    return number
  }

  /// The bytes between a string's quotes with every escape decoded, in UTF-8; half of a surrogate
  /// pair becomes U+FFFD. The string has been checked before.
  public static func decode(_ text: UnsafePointer<UInt8>, count: Int, into decoded: inout [UInt8]) {
    var position = 0
    while position < count {
      if text[position] == UInt8(ascii: "\\") {
        let escape = JSONEscape(at: text + position, available: count - position)
        decoded.append(contentsOf: UTF8.encode(escape?.scalar ?? "\u{fffd}") ?? UTF8.encodedReplacementCharacter)
        position += escape?.length ?? 6
      } else {
        decoded.append(text[position])
        position += 1
      }
    }
  }
}
