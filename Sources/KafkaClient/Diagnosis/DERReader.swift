// SPDX-License-Identifier: Apache-2.0
/// Reads elements of ASN.1's distinguished encoding, one after the other. Never reads past the end.
struct DERReader {
  /// One element.
  struct Element {
    let tag: UInt8
    let content: ArraySlice<UInt8>
  }

  static let sequence: UInt8 = 0x30
  static let set: UInt8 = 0x31

  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// The next element; nil at the end, and if its length is wrong.
  mutating func next() -> Element? {
    guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
    var length = Int(first)
    if first >= 0x80 {
      let count = Int(first & 0x7f)
      guard (1...4).contains(count), count <= rest.count else { return nil }
      length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(count)
    }
    guard length <= rest.count else { return nil }
    defer { rest = rest.dropFirst(length) }
    return Element(tag: tag, content: rest.prefix(length))
  }

  /// The contents of the next element; nil if it has another tag.
  mutating func enter(_ tag: UInt8) -> DERReader? {
    guard let element = next(), element.tag == tag else { return nil }
    return DERReader(element.content)
  }
}
