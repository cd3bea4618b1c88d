// SPDX-License-Identifier: Apache-2.0
/// The members of one JSON object in memory, as places in its bytes: nothing is copied, and one value can read many
/// objects without new memory.
public struct JSONObjectSpans: Sendable {
  /// A member.
  public struct Member: Sendable {
    /// Its name as written, without the quotes.
    public let name: Range<Int>
    /// Whether a `\` is in the name.
    public let hasEscapes: Bool
    /// Its value as written.
    public let value: Range<Int>
  }

  /// In the order of the text.
  public private(set) var members: [Member] = []

  /// Before the first object.
  public init() {}

  /// Reads the object in `bytes`; false if they are not an object, or more than one. The bytes from the value of a
  /// member named `last` on are not looked at: there a long line may be cut off.
  public mutating func read(_ bytes: UnsafeRawBufferPointer, last: StaticString? = nil) -> Bool {
    members.removeAll(keepingCapacity: true)
    var place = Self.skipSpace(bytes, 0)
    guard Self.byte(bytes, place) == UInt8(ascii: "{") else { return false }
    place = Self.skipSpace(bytes, place + 1)
    if Self.byte(bytes, place) == UInt8(ascii: "}") { return Self.skipSpace(bytes, place + 1) == bytes.count }
    while true {
      guard Self.byte(bytes, place) == UInt8(ascii: "\""), let name = Self.string(bytes, place) else { return false }
      place = Self.skipSpace(bytes, name.end)
      guard Self.byte(bytes, place) == UInt8(ascii: ":") else { return false }
      place = Self.skipSpace(bytes, place + 1)
      let range = name.start..<(name.end - 1)
      if let last, Self.equal(bytes, range, last) { return true }
      guard let end = Self.value(bytes, place) else { return false }
      members.append(Member(name: range, hasEscapes: name.hasEscapes, value: place..<end))
      place = Self.skipSpace(bytes, end)
      switch Self.byte(bytes, place) {
      case UInt8(ascii: ","): place = Self.skipSpace(bytes, place + 1)
      case UInt8(ascii: "}"): return Self.skipSpace(bytes, place + 1) == bytes.count
      default: return false
      }
    }
  }

  /// Whether the bytes at `range` are `text`.
  public static func equal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where bytes[range.lowerBound + index] != text.utf8Start[index] { return false }
    return true
  }

  private static func byte(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt8 {
    place < bytes.count ? bytes[place] : 0
  }

  private static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var place = start
    while place < bytes.count, isSpace(bytes[place]) { place += 1 }
    return place
  }

  /// The string whose quote is at `start`.
  private static func string(
    _ bytes: UnsafeRawBufferPointer, _ start: Int
  ) -> (start: Int, end: Int, hasEscapes: Bool)? {
    var place = start + 1
    var hasEscapes = false
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""): return (start + 1, place + 1, hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        place += 2
      case 0..<0x20: return nil
      default: place += 1
      }
    }
    return nil
  }

  /// Where the value that begins at `start` ends; nil if none does.
  private static func value(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
    if byte(bytes, start) == UInt8(ascii: "\"") { return string(bytes, start)?.end }
    var scanner = JSONScanner()
    var place = start
    if let end = number(bytes, start) { return end }
    while place < bytes.count {
      let byte = bytes[place]
      // A number ends with the byte after it, every other value with its own.
      if scanner.isComplete, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || isSpace(byte) { return place }
      scanner.step(byte)
      if scanner.hasFailed { return nil }
      place += 1
    }
    return nil
  }

  /// The same for a number in its usual spelling, which most values are: digits, or digits with a point between.
  private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
    var place = start
    if byte(bytes, place) == UInt8(ascii: "-") { place += 1 }
    let first = place
    while isDigit(byte(bytes, place)) { place += 1 }
    guard place > first, bytes[first] != UInt8(ascii: "0") || place == first + 1 else { return nil }
    if byte(bytes, place) == UInt8(ascii: ".") {
      let point = place
      place += 1
      while isDigit(byte(bytes, place)) { place += 1 }
      guard place > point + 1 else { return nil }
    }
    let next = byte(bytes, place)
    return next == UInt8(ascii: ",") || next == UInt8(ascii: "}") ? place : nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }
}
