// SPDX-License-Identifier: Apache-2.0
/// Reads an object of strings and numbers, on its own: what checks the payload must not share code with what wrote it.
enum FlatObject {
  /// Names as UTF-16, as JSON escapes them, since Swift takes equivalent names for equal; values as they are written.
  static func members(of json: [UInt8]) -> [(name: [UInt16], value: String)]? {
    var members: [(name: [UInt16], value: String)] = []
    var rest = json[...]
    guard rest.popFirst() == UInt8(ascii: "{") else { return nil }
    while true {
      guard let name = string(&rest), rest.popFirst() == UInt8(ascii: ":"), let first = rest.first else { return nil }
      let start = rest.startIndex
      if first == UInt8(ascii: "\"") {
        guard string(&rest) != nil else { return nil }
      } else {
        rest = rest.drop { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") }
      }
      members.append((name, String(decoding: json[start..<rest.startIndex], as: UTF8.self)))
      guard let separator = rest.popFirst() else { return nil }
      if separator == UInt8(ascii: "}") { return rest.isEmpty ? members : nil }
      guard separator == UInt8(ascii: ",") else { return nil }
    }
  }

  private static func string(_ rest: inout ArraySlice<UInt8>) -> [UInt16]? {
    guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
    var units: [UInt16] = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\"") { return units }
      guard byte == UInt8(ascii: "\\") else {
        units.append(UInt16(byte))
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "u"):
        guard let unit = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) else { return nil }
        units.append(unit)
        rest = rest.dropFirst(4)
      case UInt8(ascii: "b"): units.append(8)
      case UInt8(ascii: "t"): units.append(9)
      case UInt8(ascii: "n"): units.append(10)
      case UInt8(ascii: "f"): units.append(12)
      case UInt8(ascii: "r"): units.append(13)
      case let other?: units.append(UInt16(other))
      case nil: return nil
      }
    }
    return nil
  }
}
