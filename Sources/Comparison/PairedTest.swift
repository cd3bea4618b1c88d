// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Whether the values of two versions on the same inputs differ.
enum PairedTest {
  /// Up to this many differences, none zero and none equal in size, Wilcoxon's distribution is exact.
  static let largestExact = 50

  /// McNemar's exact test for 0/1 values, else Wilcoxon's signed-rank test of the differences.
  static func evidence(_ a: [Double], _ b: [Double]) -> Evidence {
    if isBinary(a), isBinary(b) {
      var (up, down) = (0, 0)
      for (x, y) in zip(a, b) where x != y { if y > x { up += 1 } else { down += 1 } }
      return mcNemar(up, down)
    }
    return wilcoxon(zip(a, b).map { $1 - $0 })
  }

  /// Whether all values are 0 or 1.
  static func isBinary(_ values: [Double]) -> Bool { values.allSatisfy { $0 == 0 || $0 == 1 } }

  /// Two-sided binomial probability of `up` changes one way and `down` the other.
  static func mcNemar(_ up: Int, _ down: Int) -> Evidence {
    let n = up + down
    let z = n == 0 ? 0 : Double(abs(up - down)) / Double(n).squareRoot()
    return Evidence(.mcNemar, p: up == down ? 1 : 2 * binomialTail(n, atMost: min(up, down)), strength: strength(z))
  }

  /// P(X ≤ k) for X of n fair coins; weights are relative to the middle.
  static func binomialTail(_ n: Int, atMost k: Int) -> Double {
    guard k >= 0 else { return 0 }
    let middle = n / 2
    var (weight, tail, below) = (1.0, CompensatedSum(), CompensatedSum())
    for i in stride(from: middle, through: 0, by: -1) {
      below.add(weight)
      if i <= k { tail.add(weight) }
      weight *= Double(i) / Double(n - i + 1)
      if weight < 1e-300 { break }
    }
    // The upper half mirrors the lower one; an even n has its middle once.
    let all = 2 * below.value - (n % 2 == 0 ? 1 : 0)
    return tail.value / all
  }

  /// Wilcoxon's signed-rank test; zero differences are left out.
  static func wilcoxon(_ differences: [Double]) -> Evidence {
    let sizes = differences.filter { $0 != 0 }.sorted { abs($0) < abs($1) }
    let n = sizes.count
    guard n > 0 else { return Evidence(.wilcoxonNormal, p: 1, strength: { _ in 0 }) }
    var (positive, ties, hasTies) = (0.0, 0.0, false)
    var start = 0
    while start < n {
      var end = start + 1
      while end < n, abs(sizes[end]) == abs(sizes[start]) { end += 1 }
      let (length, rank) = (Double(end - start), Double(start + end + 1) / 2)
      positive += rank * Double(sizes[start..<end].count { $0 > 0 })
      ties += length * length * length - length
      hasTies = hasTies || end - start > 1
      start = end
    }
    let size = Double(n)
    let total = size * (size + 1) / 2
    let error = (size * (size + 1) * (2 * size + 1) / 24 - ties / 48).squareRoot()
    let smaller = min(positive, total - positive)
    let z = (smaller - total / 2) / error
    if !hasTies, differences.count == n, n <= largestExact {
      return Evidence(.wilcoxonExact, p: 2 * signedRankTail(n, atMost: Int(smaller)), strength: strength(z))
    }
    return Evidence(.wilcoxonNormal, p: Distribution.normalTwoSided(z), strength: strength(z))
  }

  private static func strength(_ z: Double) -> @Sendable (Double) -> Double {
    { alpha in
      let ratio = z / Distribution.normalQuantile(twoSided: alpha)
      return ratio * ratio
    }
  }

  /// P(W ≤ w): of all 2ⁿ sets of ranks, those whose sum is at most w.
  private static func signedRankTail(_ n: Int, atMost w: Int) -> Double {
    var sets = [Double](repeating: 0, count: w + 1)
    sets[0] = 1
    for rank in 1...n where rank <= w {
      for sum in stride(from: w, through: rank, by: -1) { sets[sum] += sets[sum - rank] }
    }
    return sets.reduce(0, +) / Double(sign: .plus, exponent: n, significand: 1)
  }

  /// The 95 % interval of the median of sorted values by order statistics, which holds for any distribution; nil below
  /// 6 values.
  static func medianInterval(_ sorted: [Double]) -> ClosedRange<Double>? {
    let n = sorted.count
    guard n >= 6 else { return nil }
    var k = max(0, Int(Double(n) / 2 - Double(n).squareRoot()) - 3)
    guard binomialTail(n, atMost: k) <= 0.025 || k == 0 else { return nil }
    while binomialTail(n, atMost: k + 1) <= 0.025 { k += 1 }
    return sorted[k]...sorted[n - 1 - k]
  }
}
