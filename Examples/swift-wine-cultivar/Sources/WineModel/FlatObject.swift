// SPDX-License-Identifier: Apache-2.0
/// Reads a JSON object whose values are all numbers. Foundation's reader would do, and would triple the time to start.
enum FlatObject {
  static func read(_ bytes: [UInt8]) throws(BadRequest) -> [String: Double] {
    var text = Cursor(bytes: bytes)
    var members: [String: Double] = [:]
    try text.expect("{")
    if text.take("}") { return try text.expectEnd(members) }
    repeat {
      let name = try text.name()
      try text.expect(":")
      members[name] = try text.number()
    } while text.take(",")
    try text.expect("}")
    return try text.expectEnd(members)
  }

  private struct Cursor {
    let bytes: [UInt8]
    var position = 0

    mutating func skipBlanks() {
      while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipBlanks()
      guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
      position += 1
      return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(BadRequest) {
      guard take(character) else { throw .notAnObjectOfNumbers }
    }

    mutating func expectEnd(_ members: [String: Double]) throws(BadRequest) -> [String: Double] {
      skipBlanks()
      guard position == bytes.count else { throw .notAnObjectOfNumbers }
      return members
    }

    /// A name without escapes: no feature needs one, so a name with one is refused rather than misread.
    mutating func name() throws(BadRequest) -> String {
      try expect("\"")
      let start = position
      while position < bytes.count, bytes[position] != 0x22 {
        guard bytes[position] != 0x5C else { throw .notAnObjectOfNumbers }
        position += 1
      }
      let name = bytes[start..<position]
      try expect("\"")
      return String(decoding: name, as: UTF8.self)
    }

    /// `Double.init` also takes "nan", "inf" and hexadecimal, so only JSON's characters are let through to it.
    mutating func number() throws(BadRequest) -> Double {
      skipBlanks()
      let start = position
      while position < bytes.count, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
      guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
        throw .notAnObjectOfNumbers
      }
      return value
    }
  }
}
