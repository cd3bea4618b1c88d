// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Comparison

/// Properties of any samples.
struct PropertyTests {
  private func pair(_ a: [Double], _ b: [Double]) throws -> DistributionPair {
    let (a, b) = (a.sorted(), b.sorted())
    let summaryA = try #require(SampleSummary(a))
    let summaryB = try #require(SampleSummary(b))
    return DistributionPair(a, b, summaryA: summaryA, summaryB: summaryB)
  }

  private func samples(_ seed: UInt64) -> ([Double], [Double]) {
    var source = Source(seed: seed)
    let kinds = ["normal", "ties", "binary", "classes", "heavy"]
    let kind = kinds[Int(seed) % kinds.count]
    let (n, m) = (Int(source.next() % 80) + 2, Int(source.next() % 80) + 2)
    return (
      (0..<n).map { _ in source.value(of: kind, shift: 0) }, (0..<m).map { _ in source.value(of: kind, shift: 0.4) }
    )
  }

  @Test(arguments: UInt64(0)..<50)
  func `distances do not depend on which side is called A`(seed: UInt64) throws {
    let (a, b) = samples(seed)
    let (there, back) = (try pair(a, b), try pair(b, a))
    #expect(there.gap == back.gap)
    #expect(agree(there.wasserstein, back.wasserstein, 1e-12))
    #expect(agree(there.totalVariation, back.totalVariation, 1e-12))
    #expect(
      agree(
        KolmogorovSmirnov.exact(gap: there.gap, n: a.count, m: b.count),
        KolmogorovSmirnov.exact(gap: there.gap, n: b.count, m: a.count), 1e-9))
  }

  @Test(arguments: UInt64(0)..<50)
  func `D does not depend on the unit of the metric`(seed: UInt64) throws {
    let (a, b) = samples(seed)
    // Exact in binary, so that ties stay ties.
    let scaled = try pair(a.map { $0 * 4 }, b.map { $0 * 4 })
    #expect(try pair(a, b).gap == scaled.gap)
  }

  @Test(arguments: UInt64(0)..<50)
  func `the exact probability is that of all merge orders`(seed: UInt64) {
    var source = Source(seed: seed)
    let (n, m) = (Int(source.next() % 5) + 1, Int(source.next() % 5) + 1)
    var gaps: [Int] = []
    func walk(_ i: Int, _ j: Int, _ largest: Int) {
      let largest = max(largest, abs(i * m - j * n))
      if i == n, j == m { return gaps.append(largest) }
      if i < n { walk(i + 1, j, largest) }
      if j < m { walk(i, j + 1, largest) }
    }
    walk(0, 0, 0)
    for gap in Set(gaps) {
      let share = Double(gaps.count { $0 >= gap }) / Double(gaps.count)
      #expect(agree(KolmogorovSmirnov.exact(gap: gap, n: n, m: m), share, 1e-12))
    }
  }

  @Test func `Holm's rule never lowers a probability nor changes their order`() {
    let corrected = Evidence.holm([0.01, 0.04, 0.03, 0.005])
    let expected = [0.03, 0.06, 0.06, 0.02]
    #expect(zip(corrected, expected).allSatisfy { agree($0, $1, 1e-12) })
    #expect(Evidence.holm([]) == [])
    #expect(Evidence.holm([0.9, 0.8]) == [1, 1])
  }
}
