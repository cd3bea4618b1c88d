// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Comparison

/// Gates: limits that a comparison must keep.
struct GateTests {
  private static let a = (1...100).map(Double.init)
  private static let b = (1...100).map { Double($0) * 1.1 }

  private func outcome(_ text: String) -> Gate.Outcome? {
    let settings = ComparisonSettings()
    let metric = MetricComparison(
      name: "x", Self.a, Self.b, reported: ReportedCounts(a: (100, 100), b: (110, 100)), settings: settings)
    return Gate(text)?.judge(metric).outcome
  }

  @Test(arguments: [
    "x:ks<0.15", "x:mean<+20%", "x:mean<60", "x:mean>50.5", "x:p95<+10.1%", "x:mean+-5.1", "x:mean+-10.1%", "x:max>+9",
    "x:min+-0.2", "x:share>0.9", "x:psi<0.2", "x:wasserstein<0.2", "x:p>0.05", "x:sd>-1%",
  ])
  func `a limit that is kept`(text: String) { #expect(outcome(text) == .kept) }

  @Test(arguments: [
    "x:ks<0.05", "x:mean<+5%", "x:mean<50", "x:mean>+20%", "x:mean+-5", "x:mean+-9%", "x:share>-5%", "x:p50<+0",
  ])
  func `a limit that is broken`(text: String) { #expect(outcome(text) == .broken) }

  @Test(arguments: ["x:mean<+5%", "x:mean>-5%", "x:p95<+0", "x:max>+0", "x:mean+-5%"])
  func `sides that are both 0 keep a limit of change`(text: String) {
    let metric = MetricComparison(
      name: "x", [0, 0], [0, 0], reported: ReportedCounts(a: (2, 2), b: (2, 2)), settings: ComparisonSettings())
    #expect(Gate(text)?.judge(metric).outcome == .kept)
  }

  @Test(arguments: [
    "", "x", "x:", ":ks<1", "x:ks", "x:ks<", "x:ks=1", "x:speed<1", "x:p0<1", "x:p100<1", "x:ks<+20%", "x:mean<20%",
    "x:mean+5", "x:mean+--5", "x:ks<nan", "x:mean<inf",
  ])
  func `another text is not a gate`(text: String) { #expect(Gate(text) == nil) }

  @Test func `the name ends at the last colon`() {
    #expect(Gate("a:b:ks<0.1")?.name == "a:b")
    #expect(Gate("@duration:p95<+20%")?.name == "@duration")
  }

  @Test func `a figure that a side lacks is unknown`() {
    #expect(Gate("x:ks<0.1")?.judge(nil).outcome == .unknown)
    #expect(outcome("x:tv<0.1") == .unknown)
  }
}
