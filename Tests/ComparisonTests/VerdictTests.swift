// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@testable import Comparison

/// Each verdict, from figures that lead to it.
struct VerdictTests {
  private func metric(
    _ a: [Double], _ b: [Double], executions: (Int, Int)? = nil, minimum: Int = 30, isPaired: Bool = false
  ) -> MetricComparison {
    var settings = ComparisonSettings()
    settings.minimumSamples = minimum
    let reported = ReportedCounts(
      a: (executions?.0 ?? a.count, a.count), b: (executions?.1 ?? b.count, b.count), onlyA: isPaired ? 0 : nil,
      onlyB: isPaired ? 0 : nil)
    var metrics = [
      isPaired
        ? MetricComparison(name: "x", pairedA: a, pairedB: b, reported: reported, settings: settings)
        : MetricComparison(name: "x", a.sorted(), b.sorted(), reported: reported, settings: settings)
    ]
    MetricComparison.decide(&metrics, settings: settings)
    return metrics[0]
  }

  private func line(_ count: Int, from start: Double = 0) -> [Double] {
    (0..<count).map { start + Double($0) / Double(count) }
  }

  @Test func `a large and certain difference is drift`() {
    #expect(metric(line(200), line(200, from: 0.3)).verdict == .drift)
    #expect(metric(line(200).map { $0 < 0.5 ? 0 : 1 }, line(200).map { $0 < 0.2 ? 0 : 1 }).verdict == .drift)
    #expect(metric(line(200), line(200).map { $0 + 0.1 }, isPaired: true).verdict == .drift)
  }

  @Test func `a real but negligible difference is small`() {
    #expect(metric(line(20_000), line(20_000, from: 0.05)).verdict == .small)
    #expect(metric(line(200), line(200).map { $0 + 0.001 }, isPaired: true).verdict == .small)
  }

  @Test
  func `a large difference that may be chance is inconclusive, with the number of executions that would settle it`() {
    let result = metric(line(40), line(40, from: 0.2))
    #expect(result.verdict == .inconclusive)
    #expect(result.needed ?? 0 > 40)
    #expect(result.explanation.contains("values a side would settle it"))
  }

  @Test func `no difference is same, with the difference that would have been seen`() {
    let result = metric(line(500), line(500, from: 0.001))
    #expect(result.verdict == .same)
    #expect(result.effect?.detectable ?? 0 > 0.05)
    #expect(result.explanation.contains("would have been seen"))
    #expect(metric(line(100), line(100), isPaired: true).verdict == .same)
  }

  @Test func `few values, one value, and values of one side have verdicts of their own`() {
    #expect(metric(line(29), line(500)).verdict == .insufficient)
    #expect(metric([2, 2, 2], [2, 2], minimum: 2).verdict == .constant)
    #expect(metric([2, 2, 2], [2, 2]).verdict == .insufficient)
    #expect(metric([], line(50), executions: (50, 50)).verdict == .added)
    #expect(metric(line(50), [], executions: (50, 50)).verdict == .removed)
  }

  @Test func `another share of reporting executions is rate_changed, unless the values drift`() {
    #expect(metric(line(300), line(200), executions: (300, 300)).verdict == .rateChanged)
    #expect(metric(line(300), line(200, from: 0.5), executions: (300, 300)).verdict == .drift)
    #expect(metric(line(300), line(290), executions: (300, 300)).verdict == .same)
  }

  @Test func `a constant that moved is drift`() {
    #expect(metric([Double](repeating: 1, count: 50), [Double](repeating: 2, count: 50)).verdict == .drift)
    let paired = metric([Double](repeating: 3, count: 50), [Double](repeating: 4, count: 50), isPaired: true)
    #expect(paired.verdict == .drift)
    #expect(paired.explanation.contains("never did"))
  }

  @Test func `a category that occurs once in a thousand does not decide`() {
    let a = line(1000).map { $0 < 0.5 ? 0.0 : 1 }
    #expect(metric(a, a.dropLast() + [7]).verdict == .same)
  }

  @Test func `every sentence names its figures`() {
    let drift = metric(line(200), line(200, from: 0.3))
    #expect(drift.explanation.contains("D = 0.3") && drift.explanation.contains("200 and 200 values"))
    #expect(
      FigureText.short(0.155) == "0.155" && FigureText.short(9.996) == "10" && FigureText.short(1.3058e-4) == "0.000131"
    )
    #expect(
      FigureText.short(1.3e-9) == "1.3e-9" && FigureText.short(-12_345) == "-12300"
        && FigureText.short(1e308) == "1e308")
    #expect(
      FigureText.short(.leastNonzeroMagnitude, digits: 1) == "5e-324" && HumanFormat.grouped(1_234_567) == "1,234,567")
  }
}
