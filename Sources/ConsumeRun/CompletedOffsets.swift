// SPDX-License-Identifier: Apache-2.0
/// Offsets of a partition that are done although an earlier one is not, as the text beside the committed offset: bit
/// `i` of a bitmap, least significant first, means the committed offset plus `i`.
enum CompletedOffsets {
  /// Another text beside an offset is not ours, and means no map.
  static let prefix = "algo-run/1 "
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The text for `offsets`, none of which is below `base`; empty for none.
  static func encode(_ offsets: [Int64], base: Int64) -> String {
    guard let last = offsets.max() else { return "" }
    var bitmap = [UInt8](repeating: 0, count: Int(last - base) / 8 + 1)
    for offset in offsets { bitmap[Int(offset - base) / 8] |= 1 << UInt8(truncatingIfNeeded: (offset - base) % 8) }
    return prefix + base64(bitmap)
  }

  /// The offsets in `text`, in ascending order.
  static func decode(_ text: String, base: Int64) -> [Int64] {
    guard text.hasPrefix(prefix), let bitmap = bytes(text.utf8.dropFirst(prefix.utf8.count)) else { return [] }
    var offsets: [Int64] = []
    for (index, byte) in bitmap.enumerated() where byte != 0 {
      for bit in 0..<8 where byte & 1 << UInt8(bit) != 0 { offsets.append(base + Int64(index * 8 + bit)) }
    }
    return offsets
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = (0..<3).reduce(UInt32(0)) { $0 << 8 | ($1 < group.count ? UInt32(group[start + $1]) : 0) }
      for position in 0..<4 {
        let digit = Int(bits >> UInt32(18 - position * 6)) & 63
        text.append(position <= group.count ? alphabet[digit] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    var (bits, digits) = (UInt32(0), 0)
    for byte in text {
      if byte == UInt8(ascii: "=") { break }
      guard let digit = alphabet.firstIndex(of: byte) else { return nil }
      bits = bits << 6 | UInt32(digit)
      digits += 1
      if digits % 4 == 0 { for shift in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) } }
    }
    switch digits % 4 {
    case 2: bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
    case 3: for shift in [10, 2] { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) }
    default: break
    }
    return bytes
  }
}
