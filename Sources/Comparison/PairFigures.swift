// SPDX-License-Identifier: Apache-2.0
/// Figures of the differences B − A on equal inputs.
public struct PairFigures: Sendable {
  /// Pairs in which both sides reported the metric.
  public let count: Int
  /// Share of pairs whose values differ.
  public let changedShare: Double
  /// Mean difference; nil beyond a double.
  public let meanDifference: Double?
  /// Median difference.
  public let medianDifference: Double
  /// 95 % interval of the median difference; nil for fewer than 6 pairs.
  public let medianInterval: ClosedRange<Double>?
  /// Standard deviation of the differences.
  let deviation: Double?

  init?(_ a: [Double], _ b: [Double]) {
    let differences = zip(a, b).map { $1 - $0 }.sorted()
    guard let summary = SampleSummary(differences) else { return nil }
    count = differences.count
    changedShare = Double(differences.count { $0 != 0 }) / Double(count)
    meanDifference = summary.mean.isFinite ? summary.mean : nil
    medianDifference = summary.percentile(50)
    medianInterval = PairedTest.medianInterval(differences)
    deviation = summary.deviation
  }
}
