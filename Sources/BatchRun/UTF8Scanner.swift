/// Decides, chunk by chunk, whether bytes are UTF-8 text; knows where the last whole character ended.
struct UTF8Scanner {
  private var remaining = 0
  private var lowest: UInt8 = 0x80
  private var highest: UInt8 = 0xbf
  /// Bytes of a character that has begun and not ended.
  private(set) var unfinished = 0
  /// Whether no byte so far is out of place.
  private(set) var isValid = true

  /// Takes the next bytes.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    guard isValid else { return }
    for byte in bytes {
      if remaining == 0 {
        if byte < 0x80 { continue }
        guard begin(byte) else {
          isValid = false
          return
        }
        unfinished = 1
      } else {
        guard byte >= lowest, byte <= highest else {
          isValid = false
          return
        }
        (lowest, highest) = (0x80, 0xbf)
        remaining -= 1
        unfinished = remaining == 0 ? 0 : unfinished + 1
      }
    }
  }

  /// The ranges of Unicode's table of well-formed UTF-8 (3-7).
  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0xc2...0xdf: (remaining, lowest, highest) = (1, 0x80, 0xbf)
    case 0xe0: (remaining, lowest, highest) = (2, 0xa0, 0xbf)
    case 0xed: (remaining, lowest, highest) = (2, 0x80, 0x9f)
    case 0xe1...0xef: (remaining, lowest, highest) = (2, 0x80, 0xbf)
    case 0xf0: (remaining, lowest, highest) = (3, 0x90, 0xbf)
    case 0xf1...0xf3: (remaining, lowest, highest) = (3, 0x80, 0xbf)
    case 0xf4: (remaining, lowest, highest) = (3, 0x80, 0x8f)
    default: return false
    }
    return true
  }
}
