// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Numbers as people read them.
enum Figure {
  /// At most that many significant digits, without trailing zeros; whole numbers keep all of theirs up to a million.
  static func text(_ value: Double, digits: Int = 5) -> String {
    guard value.isFinite else { return "-" }
    if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
    let magnitude = abs(value) == 0 ? 0 : Int(floor(log10(abs(value))))
    if value.isSubnormal { return "\(value)" }
    guard magnitude >= -5, magnitude < 15 else { return exponent(value, magnitude, digits) }
    let decimals = max(0, digits - 1 - magnitude)
    let scale = pow(10, Double(decimals))
    let scaled = (value * scale).rounded()
    guard abs(scaled) < 9e15 else { return "\(value)" }
    return point(Int64(scaled), decimals)
  }

  private static func exponent(_ value: Double, _ magnitude: Int, _ digits: Int) -> String {
    // In two steps: the power of ten itself may be too small for a double.
    let half = magnitude / 2
    let mantissa = value / pow(10, Double(half)) / pow(10, Double(magnitude - half))
    return text(mantissa, digits: digits) + "e\(magnitude)"
  }

  private static func point(_ scaled: Int64, _ decimals: Int) -> String {
    guard decimals > 0 else { return "\(scaled)" }
    var digits = String(scaled.magnitude)
    if digits.utf8.count <= decimals {
      digits = String(repeating: "0", count: decimals + 1 - digits.utf8.count) + digits
    }
    var fraction = digits.suffix(decimals)
    while fraction.last == "0" { fraction = fraction.dropLast() }
    let whole = digits.dropLast(decimals)
    return (scaled < 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
  }
}
