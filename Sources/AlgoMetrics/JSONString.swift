// SPDX-License-Identifier: Apache-2.0
/// A string as JSON writes it, in printable ASCII alone: the same bytes in every binding.
enum JSONString {
  static func quoted(_ string: String) -> String {
    var quoted = "\""
    for unit in string.utf16 {
      switch unit {
      case 0x22: quoted += "\\\""
      case 0x5C: quoted += "\\\\"
      case 0x08: quoted += "\\b"
      case 0x09: quoted += "\\t"
      case 0x0A: quoted += "\\n"
      case 0x0C: quoted += "\\f"
      case 0x0D: quoted += "\\r"
      case 0x20..<0x7F: quoted.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return quoted + "\""
  }
}
