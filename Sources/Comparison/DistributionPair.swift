// SPDX-License-Identifier: Apache-2.0
/// The distances of two distributions, from one merged pass over both samples.
public struct DistributionPair: Sendable {
  /// Pooled values of at most this many kinds are categories.
  static let mostCategories = 10
  /// Bars of each histogram.
  public static let bars = 40

  /// The largest |i·m − j·n|: D without rounding.
  public let gap: Int
  /// Kolmogorov–Smirnov D.
  public let distance: Double
  /// Wasserstein distance W1, in the metric's unit; nil beyond a double.
  public let wasserstein: Double?
  /// Population stability index over A's deciles, each count raised by ½. Shown, never judged: on small samples it is
  /// mostly noise.
  public let stabilityIndex: Double
  /// The distinct values in ascending order, if they are at most ``mostCategories``.
  public let categories: [Category]?
  /// Counts over equal intervals between the 1st and 99th percentiles of both; values outside count at the ends.
  public let histogramA: [Int]
  /// The same for B.
  public let histogramB: [Int]
  /// Where the histograms begin and end.
  public let range: ClosedRange<Double>

  /// Reads both samples once. `summaryA` and `summaryB` are theirs.
  public init(
    _ a: some SortedSample, _ b: some SortedSample, summaryA: SampleSummary, summaryB: SampleSummary
  ) {
    let (n, m) = (a.count, b.count)
    let low = min(summaryA.percentile(1), summaryB.percentile(1))
    let high = max(summaryA.percentile(99), summaryB.percentile(99))
    var bins = StabilityBins(summaryA)
    var histograms = (
      [Int](repeating: 0, count: Self.bars), [Int](repeating: 0, count: Self.bars)
    )
    var (cursorA, cursorB) = (a.makeCursor(), b.makeCursor())
    var (nextA, nextB) = (cursorA.next(), cursorB.next())
    var (i, j, gap, previous) = (0, 0, 0, summaryA.minimum)
    var area = CompensatedSum()
    var categories: [Category]? = []
    while nextA != nil || nextB != nil {
      let value = min(nextA ?? .infinity, nextB ?? .infinity)
      area.add(Double(abs(i * m - j * n)) / (Double(n) * Double(m)) * (value - previous))
      var (countA, countB) = (0, 0)
      while let same = nextA, same == value {
        countA += 1
        nextA = cursorA.next()
      }
      while let same = nextB, same == value {
        countB += 1
        nextB = cursorB.next()
      }
      guard countA + countB > 0 else { break }
      (i, j) = (i + countA, j + countB)
      gap = max(gap, abs(i * m - j * n))
      previous = value
      bins.add(value, countA, countB)
      let bar = Self.bar(of: value, low, high)
      histograms.0[bar] += countA
      histograms.1[bar] += countB
      if let known = categories {
        categories = known.count < Self.mostCategories ? known + [Category(value: value, a: countA, b: countB)] : nil
      }
    }
    self.gap = gap
    distance = Double(gap) / (Double(n) * Double(m))
    wasserstein = area.value.isFinite ? area.value : nil
    stabilityIndex = bins.index
    self.categories = categories
    (histogramA, histogramB) = histograms
    range = low...high
  }

  private static func bar(of value: Double, _ low: Double, _ high: Double) -> Int {
    let place = (value / 2 - low / 2) / (high / 2 - low / 2) * Double(bars)
    return place.isFinite ? min(bars - 1, max(0, Int(place.rounded(.down)))) : 0
  }

  /// Half the sum of the differences of shares; nil for more than ``mostCategories`` distinct values.
  public var totalVariation: Double? {
    guard let categories else { return nil }
    let n = Double(categories.reduce(0) { $0 + $1.a })
    let m = Double(categories.reduce(0) { $0 + $1.b })
    return categories.reduce(0) { $0 + abs(Double($1.a) / n - Double($1.b) / m) } / 2
  }
}
