// SPDX-License-Identifier: Apache-2.0
/// The two-sample Kolmogorov–Smirnov test: the largest gap between two empirical distribution functions.
enum KolmogorovSmirnov {
  /// Samples of at most this size get the exact probability: it costs time in proportion to n·m·D.
  static let largestExact = 10_000

  /// P(D ≥ observed) if both samples come from one continuous distribution; with ties the true value is smaller.
  ///
  /// - Parameter gap: the largest |i·m − j·n| over the merged samples, so that D = gap / (n·m) without rounding.
  static func probability(gap: Int, n: Int, m: Int) -> Double {
    if max(n, m) <= largestExact { return exact(gap: gap, n: n, m: m) }
    return limiting(distance: Double(gap) / (Double(n) * Double(m)), n: n, m: m)
  }

  /// By the limiting law.
  static func limiting(distance: Double, n: Int, m: Int) -> Double {
    Distribution.kolmogorovTail(effectiveSize(n, m).squareRoot() * distance)
  }

  /// nm/(n+m).
  static func effectiveSize(_ n: Int, _ m: Int) -> Double { Double(n) * Double(m) / Double(n + m) }

  /// By a walk over the lattice of merge orders, all equally probable: the probability that flows out of the band of
  /// smaller gaps. Only additions of positive numbers, so that tiny probabilities keep their digits.
  static func exact(gap: Int, n: Int, m: Int) -> Double {
    guard gap > 0 else { return 1 }
    let inverse = (0...(n + m)).map { $0 == 0 ? 0 : 1 / Double($0) }
    // reached[j]: probability that the walk comes through (i, j) and was always inside.
    var reached = [Double](repeating: 0, count: m + 1)
    reached[0] = 1
    var outside = 0.0
    var previous = 0...0
    for i in 0...n {
      // Inside: |i·m − j·n| < gap.
      let lowest = max(0, divideFloor(i * m - gap, n) + 1)
      let highest = min(m, -divideFloor(-(i * m + gap), n) - 1)
      if i > 0 {
        for j in previous {
          // One value of the first sample: from (i−1, j) to (i, j).
          let arriving = reached[j] * Double(n - i + 1) * inverse[n + m - i + 1 - j]
          if j < lowest || j > highest {
            outside += arriving
            reached[j] = 0
          } else {
            reached[j] = arriving
          }
        }
      }
      guard lowest <= highest else { return min(1, outside) }
      for j in lowest...highest where j < m {
        // One value of the second: from (i, j) to (i, j+1).
        let arriving = reached[j] * Double(m - j) * inverse[n + m - i - j]
        if j == highest { outside += arriving } else { reached[j + 1] += arriving }
      }
      previous = lowest...highest
    }
    return min(1, outside)
  }

  private static func divideFloor(_ number: Int, _ divisor: Int) -> Int {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
