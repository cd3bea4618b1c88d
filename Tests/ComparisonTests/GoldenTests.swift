// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Comparison

/// Every figure is scipy's (golden.py).
struct GoldenTests {
  @Test func `there are five hundred cases`() {
    #expect(GoldenFile.shared.cases.count == 500)
    #expect(GoldenFile.shared.tails.count >= 70)
  }

  @Test(arguments: GoldenFile.shared.cases)
  func `figures are those of scipy`(golden: GoldenCase) throws {
    let (a, b) = golden.samples
    let (sortedA, sortedB) = (a.sorted(), b.sorted())
    let expected = golden.expected
    let summaryA = try #require(SampleSummary(sortedA))
    let summaryB = try #require(SampleSummary(sortedB))
    let spread = max(abs(summaryA.minimum), abs(summaryA.maximum))
    #expect(agree(summaryA.mean, expected.meanA, 1e-12, floor: 1e-15 * spread + 1e-290))
    #expect(
      agree(
        summaryB.mean, expected.meanB, 1e-12, floor: 1e-15 * max(abs(summaryB.minimum), abs(summaryB.maximum)) + 1e-290
      ))
    for (percent, quantile) in zip([1, 5, 25, 50, 95, 99], expected.quantilesA) {
      #expect(agree(summaryA.percentile(percent), quantile, 1e-12))
    }
    if let deviation = expected.sdB { #expect(agree(summaryB.deviation, deviation, 1e-9)) }

    let pair = DistributionPair(sortedA, sortedB, summaryA: summaryA, summaryB: summaryB)
    #expect(agree(pair.distance, expected.d, 1e-12))
    if let distance = expected.w1 { #expect(agree(pair.wasserstein, distance, 1e-12, floor: 1e-14 * spread)) }
    #expect(
      agree(KolmogorovSmirnov.limiting(distance: pair.distance, n: golden.n, m: golden.m), expected.pLimit, 1e-6))
    if let p = expected.pExact {
      #expect(agree(KolmogorovSmirnov.exact(gap: pair.gap, n: golden.n, m: golden.m), p, 1e-9, floor: 1e-14))
    }
    if let half = expected.welchHalf {
      let welch = try #require(WelchTest(summaryA, summaryB))
      if let p = expected.welchP { #expect(agree(welch.p, p, 1e-9, floor: 1e-13)) }
      #expect(agree((welch.interval.upperBound - welch.interval.lowerBound) / 2, half, 1e-9, floor: 1e-15 * spread))
    }
    #expect(agree(pair.totalVariation, expected.tv, 1e-12, floor: 1e-15))
    if let evidence = pair.categories.flatMap({ CategoryTest.evidence($0) }) {
      #expect(evidence.method == (expected.fisher == nil ? .chiSquared : .fisher))
      #expect(agree(evidence.p, expected.fisher ?? expected.chi2, 1e-9))
    }
  }

  @Test(arguments: GoldenFile.shared.cases.filter { $0.expected.mcnemar != nil || $0.expected.wilcoxon != nil })
  func `paired probabilities are those of scipy`(golden: GoldenCase) {
    let (a, b) = golden.samples
    let evidence = PairedTest.evidence(Array(a.prefix(golden.m)), Array(b.prefix(golden.n)))
    #expect((evidence.method == .mcNemar) == (golden.expected.mcnemar != nil))
    #expect(agree(evidence.p, golden.expected.mcnemar ?? golden.expected.wilcoxon, 1e-9))
  }

  @Test(arguments: GoldenFile.shared.tails)
  func `tails of distributions are those of scipy`(tail: GoldenTail) {
    let p =
      switch tail.law {
      case "chi2": Distribution.chiSquaredTail(tail.x, degrees: Int(tail.df))
      case "t": Distribution.studentTwoSided(tail.x, degrees: tail.df)
      case "kolmogorov": Distribution.kolmogorovTail(tail.x)
      default: Distribution.normalTwoSided(tail.x)
      }
    #expect(agree(p, tail.p, 1e-9))
  }

  @Test(arguments: [0.9, 0.5, 0.05, 0.01, 1e-6, 1e-12])
  func `a quantile is where its tail has that probability`(p: Double) {
    #expect(agree(Distribution.normalTwoSided(Distribution.normalQuantile(twoSided: p)), p, 1e-9))
    #expect(agree(Distribution.chiSquaredTail(Distribution.chiSquaredQuantile(p, degrees: 3), degrees: 3), p, 1e-9))
    #expect(agree(Distribution.kolmogorovTail(Distribution.kolmogorovQuantile(p)), p, 1e-9))
    let t = Distribution.studentQuantile(twoSided: p, degrees: 17.5)
    #expect(agree(Distribution.studentTwoSided(t, degrees: 17.5), p, 1e-9))
  }
}
