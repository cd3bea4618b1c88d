// SPDX-License-Identifier: Apache-2.0
/// Writes compact JSON, ASCII only: whatever reads a payload needs to agree on nothing but ASCII.
public struct JSONWriter {
  /// The bytes written so far.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// An empty text.
  public init() { bytes.reserveCapacity(512) }

  /// Begins an object; end it with ``endObject()``.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  /// Ends an object.
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  /// Begins an array; end it with ``endArray()``.
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  /// Ends an array.
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// The name of the member whose value is written next.
  public mutating func name(_ name: String) {
    separate()
    JSONString.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A string.
  public mutating func string(_ value: String) {
    separate()
    JSONString.append(value, to: &bytes)
    needsComma = true
  }

  /// Bytes that are JSON already: a number as written, a payload, a document.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// A number or literal in its JSON spelling.
  public mutating func raw(_ json: String) {
    let isCopied: Void? = json.utf8.withContiguousStorageIfAvailable { raw($0) }
    if isCopied == nil { raw(json.utf8) }
  }
  /// An integer.
  public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
  /// true or false.
  public mutating func boolean(_ value: Bool) { raw(value ? "true" : "false") }
  /// null.
  public mutating func null() { raw("null") }

  /// A member with a string.
  public mutating func member(_ key: String, _ value: String) {
    name(key)
    string(value)
  }

  /// A member with a string or null.
  public mutating func member(_ key: String, orNull value: String?) {
    name(key)
    if let value { string(value) } else { null() }
  }

  /// A member with an integer or null.
  public mutating func member(_ key: String, integer value: (some BinaryInteger)?) {
    name(key)
    if let value { integer(value) } else { null() }
  }

  /// A member with a number in its JSON spelling.
  public mutating func member(_ key: String, number text: String) {
    name(key)
    raw(text)
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }
}
