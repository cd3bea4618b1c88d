// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Tail probabilities of the distributions that the tests need, and their inverses.
///
/// Series and continued fractions after Abramowitz and Stegun; relative errors stay below 1e-10 for every number of
/// degrees of freedom that a sample can have.
enum Distribution {
  /// P(|Z| > |z|) for a standard normal Z.
  static func normalTwoSided(_ z: Double) -> Double { erfc(abs(z) / 2.0.squareRoot()) }

  /// The z whose ``normalTwoSided(_:)`` is `p`.
  static func normalQuantile(twoSided p: Double) -> Double { inverse(p, of: normalTwoSided) }

  /// P(X > x) for a chi-squared X.
  static func chiSquaredTail(_ x: Double, degrees: Int) -> Double {
    x <= 0 ? 1 : upperGamma(Double(degrees) / 2, x / 2)
  }

  /// The x whose ``chiSquaredTail(_:degrees:)`` is `p`.
  static func chiSquaredQuantile(_ p: Double, degrees: Int) -> Double {
    inverse(p) { chiSquaredTail($0, degrees: degrees) }
  }

  /// P(|T| > |t|) for Student's T.
  static func studentTwoSided(_ t: Double, degrees: Double) -> Double {
    let square = t * t
    guard square.isFinite else { return 0 }
    return incompleteBeta(degrees / 2, x: degrees / (degrees + square), complement: square / (degrees + square))
  }

  /// The t whose ``studentTwoSided(_:degrees:)`` is `p`.
  static func studentQuantile(twoSided p: Double, degrees: Double) -> Double {
    inverse(p) { studentTwoSided($0, degrees: degrees) }
  }

  /// Kolmogorov's limiting law: P(√(nm/(n+m))·D > x) for large samples.
  static func kolmogorovTail(_ x: Double) -> Double {
    guard x > 0 else { return 1 }
    var sum = 0.0
    if x < 1.18 {
      // Jacobi's transformation of the alternating series, which converges badly here.
      let base = -Double.pi * Double.pi / (8 * x * x)
      for k in 0..<20 { sum += exp(Double((2 * k + 1) * (2 * k + 1)) * base) }
      return max(0, 1 - (2 * Double.pi).squareRoot() / x * sum)
    }
    for k in 1...20 { sum += (k % 2 == 1 ? 2 : -2) * exp(-2 * Double(k * k) * x * x) }
    return min(1, max(0, sum))
  }

  /// The x whose ``kolmogorovTail(_:)`` is `p`.
  static func kolmogorovQuantile(_ p: Double) -> Double { inverse(p, of: kolmogorovTail) }

  /// Regularised upper incomplete gamma function Q(a, x).
  static func upperGamma(_ a: Double, _ x: Double) -> Double {
    let scale = exp(a * log(x) - x - lgamma(a).0)
    if x < a + 1 {
      var term = 1 / a
      var sum = term
      var next = a
      while abs(term) > abs(sum) * 1e-17 {
        next += 1
        term *= x / next
        sum += term
      }
      return 1 - sum * scale
    }
    // Lentz's method.
    var b = x + 1 - a
    var c = 1e300
    var d = 1 / b
    var fraction = d
    for i in 1...1000 {
      let factor = -Double(i) * (Double(i) - a)
      b += 2
      d = 1 / nonZero(factor * d + b)
      c = nonZero(b + factor / c)
      fraction *= d * c
      if abs(d * c - 1) < 1e-16 { break }
    }
    return fraction * scale
  }

  /// Regularised incomplete beta function I_x(a, ½); `complement` is 1 − x, given apart because x may be close to 1.
  static func incompleteBeta(_ a: Double, x: Double, complement: Double) -> Double {
    guard complement > 0 else { return 1 }
    guard x > 0 else { return 0 }
    let front = exp(a * log1p(-complement) + 0.5 * log(complement) - logBetaHalf(a))
    if x < (a + 1) / (a + 2.5) { return front * betaFraction(a, 0.5, x) / a }
    return 1 - front * betaFraction(0.5, a, complement) / 0.5
  }

  /// ln B(a, ½). For large a the difference of two large logarithms would lose digits; Stirling's series does not.
  private static func logBetaHalf(_ a: Double) -> Double {
    let logRootPi = 0.5 * log(Double.pi)
    guard a > 40 else { return lgamma(a).0 + logRootPi - lgamma(a + 0.5).0 }
    let inverse = 1 / a
    let cube = inverse * inverse * inverse
    return logRootPi
      - (0.5 * log(a) - inverse / 8 + cube / 192 - cube * inverse * inverse / 640
        + 17 * cube * cube * inverse / 14_336)
  }

  private static func betaFraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
    var c = 1.0
    var d = 1 / nonZero(1 - (a + b) * x / (a + 1))
    var fraction = d
    for step in 1...100_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / nonZero(1 + even * d)
      c = nonZero(1 + even / c)
      fraction *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / nonZero(1 + odd * d)
      c = nonZero(1 + odd / c)
      fraction *= d * c
      if abs(d * c - 1) < 1e-16 { break }
    }
    return fraction
  }

  private static func nonZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }

  /// The argument at which a falling function on [0, ∞) is `p`, by bisection to the last digit.
  private static func inverse(_ p: Double, of tail: (Double) -> Double) -> Double {
    guard p < 1 else { return 0 }
    guard p > 0 else { return .infinity }
    var high = 1.0
    while tail(high) > p, high < 1e300 { high *= 2 }
    var low = high == 1 ? 0 : high / 2
    while true {
      let middle = low + (high - low) / 2
      guard middle > low, middle < high else { return middle }
      if tail(middle) > p { low = middle } else { high = middle }
    }
  }
}
