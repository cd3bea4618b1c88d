// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Numbers as people read them.
public enum FigureText {
  /// At most `digits` significant digits, without trailing zeros: `0.155`, `1.31e-4`, `12300`.
  public static func short(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-∞" : "∞" }
    guard value != 0 else { return "0" }
    var exponent = Int(log10(abs(value)).rounded(.down))
    // Rounding can carry into one digit more: 9.996 is 10.
    var mantissa = scaled(abs(value), 1 - digits + exponent)
    if mantissa >= power(digits) {
      exponent += 1
      mantissa = scaled(abs(value), 1 - digits + exponent)
    }
    var figures = String(Int(mantissa))
    while figures.count > 1, figures.last == "0" { figures.removeLast() }
    let sign = value < 0 ? "-" : ""
    switch exponent {
    case -4..<0: return sign + "0." + String(repeating: "0", count: -exponent - 1) + figures
    case 0..<7:
      let whole = exponent + 1
      if figures.count <= whole { return sign + figures + String(repeating: "0", count: whole - figures.count) }
      return sign + figures.prefix(whole) + "." + figures.dropFirst(whole)
    default:
      return sign + figures.prefix(1) + (figures.count > 1 ? "." + figures.dropFirst() : "") + "e\(exponent)"
    }
  }

  /// The same with a sign in front.
  public static func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + short(value) }

  /// A share in per cent: `67 %`, `0.4 %`.
  public static func percent(_ share: Double) -> String { short(share * 100) + " %" }

  /// A probability: small ones only by their size.
  public static func probability(_ p: Double) -> String { p < 1e-15 ? "< 1e-15" : "= " + short(p, digits: 2) }

  private static func scaled(_ value: Double, _ exponent: Int) -> Double {
    guard exponent < 0 else { return (value / pow(10, Double(exponent))).rounded() }
    // In two steps: 10³²² alone is not a double.
    let half = -exponent / 2
    return (value * pow(10, Double(half)) * pow(10, Double(-exponent - half))).rounded()
  }

  private static func power(_ digits: Int) -> Double { pow(10, Double(digits)) }
}
