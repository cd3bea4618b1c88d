// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Comparison

/// How often a verdict is wrong, over many seeded comparisons.
struct CalibrationTests {
  private func drifts(n: Int, shift: Double, comparisons: Int, kind: String = "normal") -> Int {
    var source = Source(seed: UInt64(n) * 7919)
    let counts = ReportedCounts(a: (n, n), b: (n, n))
    return (0..<comparisons).count { _ in
      let a = (0..<n).map { _ in source.value(of: kind, shift: 0) }.sorted()
      let b = (0..<n).map { _ in source.value(of: kind, shift: shift) }.sorted()
      let settings = ComparisonSettings()
      var metrics = [MetricComparison(name: "x", a, b, reported: counts, settings: settings)]
      MetricComparison.decide(&metrics, settings: settings)
      return metrics[0].verdict == .drift
    }
  }

  @Test(arguments: [30, 100, 1000])
  func `identical data is called drift in at most two of a hundred comparisons`(n: Int) {
    #expect(drifts(n: n, shift: 0, comparisons: 1000) <= 20)
  }

  @Test(arguments: [30, 100, 1000])
  func `identical classes are called drift in at most two of a hundred comparisons`(n: Int) {
    #expect(drifts(n: n, shift: 0, comparisons: 200, kind: "classes") <= 4)
  }

  @Test func `half a standard deviation is found in nine of ten comparisons of 200 executions`() {
    #expect(drifts(n: 200, shift: 0.5, comparisons: 500) >= 450)
  }
}
