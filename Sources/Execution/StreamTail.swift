// SPDX-License-Identifier: Apache-2.0
/// The last bytes of a stream.
public struct StreamTail {
  /// Bytes kept.
  public static let capacity = 4096

  /// The bytes.
  public private(set) var bytes: [UInt8] = []

  /// Nothing yet.
  public init() {}

  /// Takes the next bytes.
  public mutating func receive(_ arrived: UnsafeRawBufferPointer) {
    if arrived.count >= Self.capacity {
      bytes.removeAll(keepingCapacity: true)
      bytes.append(contentsOf: arrived.suffix(Self.capacity))
      return
    }
    let surplus = bytes.count + arrived.count - Self.capacity
    if surplus > 0 { bytes.removeFirst(surplus) }
    bytes.append(contentsOf: arrived)
  }

  /// As text: a character that the cut tore at the start is left out, other bytes that are not text become U+FFFD.
  public var text: String {
    let torn = bytes.count == Self.capacity ? bytes.prefix(3).prefix { $0 & 0xc0 == 0x80 }.count : 0
    return String(decoding: bytes.dropFirst(torn), as: UTF8.self)
  }

  /// Forgets all.
  public mutating func reset() { bytes.removeAll(keepingCapacity: true) }
}
