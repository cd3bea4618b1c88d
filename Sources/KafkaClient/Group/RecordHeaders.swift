// SPDX-License-Identifier: Apache-2.0
/// The headers of one record, in the form in which they are handed to the library: one block of bytes.
public struct RecordHeaders: Sendable, Equatable {
  /// For each: the name with its zero, four bytes of size (-1: no value), the value.
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0

  /// Room for the headers of a result.
  private static let usualSize = 600

  /// None.
  public init() {}

  /// Adds a header with a text.
  public mutating func add(_ name: String, _ value: String) {
    begin(name, size: value.utf8.count)
    bytes.append(contentsOf: value.utf8)
  }

  /// Adds a header with bytes, or without a value. A name that holds a zero ends there.
  public mutating func add(_ name: String, _ value: [UInt8]?) {
    begin(name, size: value?.count ?? -1)
    if let value { bytes.append(contentsOf: value) }
  }

  /// Adds all of `headers`.
  public mutating func add(_ headers: RecordHeaders) {
    reserve()
    bytes.append(contentsOf: headers.bytes)
    count += headers.count
  }

  private mutating func reserve() { if bytes.isEmpty { bytes.reserveCapacity(Self.usualSize) } }

  private mutating func begin(_ name: String, size: Int) {
    reserve()
    var name = name
    name.withUTF8 { name in
      unsafe bytes.append(contentsOf: name[..<(name.firstIndex(of: 0) ?? name.count)])
    }
    bytes.append(0)
    var size = Int32(clamping: size).littleEndian
    unsafe withUnsafeBytes(of: &size) { unsafe bytes.append(contentsOf: $0) }
    count += 1
  }

  /// Bytes that they take in a record, at most.
  public var size: Int { bytes.count + 6 * count }
}
