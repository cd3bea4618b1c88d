// SPDX-License-Identifier: Apache-2.0
/// The members of one JSON object that is small enough for memory, their values as they are written.
public struct JSONMembers: Sendable {
  /// In the order of the text.
  public private(set) var all: [(name: String, value: [UInt8])] = []

  /// Nil if the bytes are not one JSON object.
  public init?(_ text: some Sequence<UInt8>) {
    let members = text.withContiguousStorageIfAvailable { Self.members(UnsafeRawBufferPointer($0)) }
    guard let all = members ?? Array(text).withUnsafeBytes(Self.members) else { return nil }
    self.all = all
  }

  private static func members(_ bytes: UnsafeRawBufferPointer) -> [(name: String, value: [UInt8])]? {
    var spans = JSONObjectSpans()
    guard spans.read(bytes) else { return nil }
    return spans.members.map { (JSONString.decode(bytes[$0.name]), Array(bytes[$0.value])) }
  }

  /// The value of the last member of that name.
  public subscript(name: String) -> [UInt8]? { all.last { $0.name == name }?.value }

  /// The text of a member that is a string.
  public func string(_ name: String) -> String? { self[name].flatMap { JSONString.text($0) } }

  /// The number of a member that is an integer.
  public func integer(_ name: String) -> Int64? {
    self[name].flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
  }

  /// The value of a member that is true or false.
  public func boolean(_ name: String) -> Bool? {
    switch self[name].map({ String(decoding: $0, as: UTF8.self) }) {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// The members of a member that is an object.
  public func object(_ name: String) -> JSONMembers? { self[name].flatMap { JSONMembers($0) } }

  /// The elements of a member that is an array.
  public func array(_ name: String) -> [[UInt8]]? { self[name].flatMap { JSONElements.of($0) } }

  /// Whether there is such a member, and it is not null.
  public func has(_ name: String) -> Bool { self[name].map { $0 != Array("null".utf8) } ?? false }
}
