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
    let text = JSONBytes(bytes: bytes)
    var place = text.skipSpace(0)
    guard text[place] == UInt8(ascii: "{") else { return false }
    place = text.skipSpace(place + 1)
    if text[place] == UInt8(ascii: "}") { return text.skipSpace(place + 1) == bytes.count }
    while true {
      guard let name = text.string(place), let start = text.behindColon(name.end) else { return false }
      let range = (place + 1)..<(name.end - 1)
      if let last, Self.equal(bytes, range, last) { return true }
      guard let end = text.value(start, depth: 1) else { return false }
      members.append(Member(name: range, hasEscapes: name.hasEscapes, value: start..<end))
      place = text.skipSpace(end)
      switch text[place] {
      case UInt8(ascii: ","): place = text.skipSpace(place + 1)
      case UInt8(ascii: "}"): return text.skipSpace(place + 1) == bytes.count
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

  /// The value of the last member of that name in the object that was read from `bytes`.
  public func value(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
    members.last { Self.isNamed($0, name, in: bytes) }?.value
  }

  /// Whether a member has that name, which may be written with escapes.
  public static func isNamed(_ member: Member, _ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
    guard member.hasEscapes else { return equal(bytes, member.name, name) }
    return JSONString.decode(bytes[member.name]) == String(describing: name)
  }
}
