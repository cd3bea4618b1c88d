// SPDX-License-Identifier: Apache-2.0
/// One metric of two versions: its figures and the verdict.
public struct MetricComparison: Sendable {
  /// The metric.
  public let name: String
  /// Values of A; nil if it reported none.
  public let a: SampleSummary?
  /// Values of B.
  public let b: SampleSummary?
  /// How many executions reported it.
  public let reported: ReportedCounts
  /// The distances of both distributions; nil if a side has no values.
  public let distributions: DistributionPair?
  /// The difference of the means.
  public let welch: WelchTest?
  /// Kolmogorov–Smirnov's probability, shown whichever test judges.
  public let ksProbability: Double?
  /// The differences on equal inputs; nil unless the comparison is paired.
  public let pairs: PairFigures?
  /// The effect that is judged.
  public internal(set) var effect: Effect?
  /// The evidence that is judged; nil if there are too few values or categories.
  public internal(set) var evidence: Evidence?
  /// Evidence that the reported share changed.
  public internal(set) var rateEvidence: Evidence?
  /// The judgement; nil until ``decide(_:settings:)``, and for figures that are only shown.
  public internal(set) var verdict: Verdict?
  /// For `inconclusive`: executions a side, or pairs, that would settle it if the difference stays as it is.
  public internal(set) var needed: Int?

  /// Compares the values of two independent samples.
  public init(
    name: String, _ a: some SortedSample, _ b: some SortedSample, reported: ReportedCounts, settings: ComparisonSettings
  ) {
    self.init(name: name, a, b, reported: reported, pairs: nil)
    rateEvidence = reported.evidence(settings)
    guard let distributions, min(a.count, b.count) >= settings.minimumSamples else { return }
    if let categories = distributions.categories {
      effect = Effect(measure: .totalVariation, value: distributions.totalVariation ?? 0)
      evidence = CategoryTest.evidence(categories)
    } else {
      effect = Effect(measure: .ks, value: distributions.distance)
      let method = max(a.count, b.count) <= KolmogorovSmirnov.largestExact
      let scaled = distributions.distance * KolmogorovSmirnov.effectiveSize(a.count, b.count).squareRoot()
      evidence = Evidence(
        method ? .kolmogorovSmirnovExact : .kolmogorovSmirnovLimit, p: ksProbability ?? 1,
        strength: { alpha in
          let ratio = scaled / Distribution.kolmogorovQuantile(alpha)
          return ratio * ratio
        })
    }
  }

  /// Compares values on equal inputs: `a[i]` and `b[i]` belong together.
  public init(
    name: String, pairedA a: [Double], pairedB b: [Double], reported: ReportedCounts, settings: ComparisonSettings
  ) {
    let pairs = PairFigures(a, b)
    self.init(name: name, a.sorted(), b.sorted(), reported: reported, pairs: pairs)
    rateEvidence = reported.evidence(settings)
    guard let pairs, pairs.count >= settings.minimumSamples else { return }
    evidence = PairedTest.evidence(a, b)
    let mean = abs(pairs.meanDifference ?? .infinity)
    if evidence?.method == .mcNemar {
      effect = Effect(measure: .netChange, value: mean)
    } else {
      let deviation = self.a?.deviation ?? 0
      effect = Effect(measure: .meanShift, value: mean == 0 ? 0 : mean / deviation)
    }
  }

  private init(
    name: String, _ a: some SortedSample, _ b: some SortedSample, reported: ReportedCounts, pairs: PairFigures?
  ) {
    self.name = name
    self.reported = reported
    self.pairs = pairs
    self.a = SampleSummary(a)
    self.b = SampleSummary(b)
    guard let summaryA = self.a, let summaryB = self.b else {
      (distributions, welch, ksProbability) = (nil, nil, nil)
      return
    }
    let pair = DistributionPair(a, b, summaryA: summaryA, summaryB: summaryB)
    distributions = pair
    welch = WelchTest(summaryA, summaryB)
    ksProbability = KolmogorovSmirnov.probability(gap: pair.gap, n: a.count, m: b.count)
  }

  /// Wasserstein distance over the standard deviation of A.
  public var scaledWasserstein: Double? {
    guard let distance = distributions?.wasserstein, let deviation = a?.deviation, deviation > 0 else { return nil }
    let scaled = distance / deviation
    return scaled.isFinite ? scaled : nil
  }

  /// Whether both sides have one value, the same.
  var isConstant: Bool { distributions?.categories?.count == 1 }

  /// Values a side, or pairs: the harmonic mean of unequal sizes, which counts in tests.
  var size: Double {
    if let pairs { return Double(pairs.count) }
    guard let a, let b else { return 0 }
    return 2 * KolmogorovSmirnov.effectiveSize(a.count, b.count)
  }
}
