// SPDX-License-Identifier: Apache-2.0
/// Decides, chunk by chunk, whether bytes are UTF-8 text; knows where the last whole character ended.
public struct UTF8Scanner: Sendable {
  private var remaining = 0
  private var next: ClosedRange<UInt8> = 0x80...0xbf
  /// Bytes of a character that has begun and not ended.
  public private(set) var unfinished = 0
  /// Whether no byte so far is out of place.
  public private(set) var isValid = true

  /// A scanner at the start of a text.
  public init() {}

  /// Takes the next bytes.
  public mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes where byte >= 0x80 || remaining > 0 {
      guard isValid else { return }
      step(byte)
    }
  }

  /// Takes one byte that is not ASCII, or that comes within a character.
  mutating func step(_ byte: UInt8) {
    if remaining == 0 {
      guard let sequence = UTF8Sequence(first: byte) else {
        isValid = false
        return
      }
      (remaining, next, unfinished) = (sequence.length - 1, sequence.second, 1)
    } else if next.contains(byte) {
      (remaining, next) = (remaining - 1, 0x80...0xbf)
      unfinished = remaining == 0 ? 0 : unfinished + 1
    } else {
      isValid = false
    }
  }
}
