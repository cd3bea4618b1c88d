// SPDX-License-Identifier: Apache-2.0
/// A character of more than one byte, by Unicode's table of well-formed UTF-8 (3-7): no overlong forms, no surrogates.
public struct UTF8Sequence {
  /// Bytes, the first one included.
  let length: Int
  /// The range of the second byte; later ones are 0x80 to 0xbf.
  let second: ClosedRange<UInt8>

  /// Nil if no such character begins with this byte.
  init?(first: UInt8) {
    switch first {
    case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
    case 0xe0: (length, second) = (3, 0xa0...0xbf)
    case 0xed: (length, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
    case 0xf0: (length, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
    case 0xf4: (length, second) = (4, 0x80...0x8f)
    default: return nil
    }
  }

  /// The length of the sequence at `bytes`, whose first byte is 0x80 or above; 0 if it is not well-formed.
  public static func length(at bytes: UnsafePointer<UInt8>, available: Int) -> Int {
    guard let sequence = UTF8Sequence(first: bytes[0]), available >= sequence.length,
      sequence.second.contains(bytes[1])
    else { return 0 }
    for index in 2..<max(2, sequence.length) where bytes[index] & 0xc0 != 0x80 { return 0 }
    return sequence.length
  }
}
