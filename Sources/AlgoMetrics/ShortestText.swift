// SPDX-License-Identifier: Apache-2.0
/// The text of a floating point number, the same in every binding.
///
/// The standard library finds the fewest digits that read back; this lays them out: positional with at least one
/// digit after the point from 1e-4 to below 1e16, else `d.ddde+XX` with at least two digits of exponent.
enum ShortestText {
  static func of(_ number: some BinaryFloatingPoint & CustomStringConvertible) -> String {
    guard !number.isNaN else { return "NaN" }
    guard number.isFinite else { return number < 0 ? "-Infinity" : "Infinity" }
    let sign = number.sign == .minus ? "-" : ""
    guard number != 0 else { return sign + "0.0" }
    let (digits, exponent) = split(number.magnitude.description)
    return sign + layOut(digits, exponent)
  }

  /// The digits without zeros at either end, and the power of ten of the first of them.
  private static func split(_ text: String) -> (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var exponent = 0
    var point: Int?
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "e"):
        exponent = Int(Substring(rest)) ?? 0
        rest = rest[rest.endIndex...]
      case UInt8(ascii: "."): point = digits.count
      default: digits.append(byte)
      }
    }
    exponent += (point ?? digits.count) - 1
    let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(zeros)
    exponent -= zeros
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return (digits, exponent)
  }

  private static func layOut(_ digits: [UInt8], _ exponent: Int) -> String {
    let text = String(decoding: digits, as: UTF8.self)
    switch exponent {
    case -4..<0:
      return "0." + String(repeating: "0", count: -exponent - 1) + text
    case 0..<16:
      let whole = exponent + 1
      guard digits.count > whole else { return text + String(repeating: "0", count: whole - digits.count) + ".0" }
      return text.prefix(whole) + "." + text.dropFirst(whole)
    default:
      let fraction = digits.count > 1 ? "." + text.dropFirst() : ""
      let power = (exponent.magnitude < 10 ? "0" : "") + String(exponent.magnitude)
      return "\(text.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(power)"
    }
  }
}
