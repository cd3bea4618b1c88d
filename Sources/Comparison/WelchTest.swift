// SPDX-License-Identifier: Apache-2.0
/// The difference of two means, without assuming equal variances.
public struct WelchTest: Sendable, Equatable {
  /// Mean of B minus mean of A.
  public let difference: Double
  /// 95 % confidence interval of the difference.
  public let interval: ClosedRange<Double>
  /// Degrees of freedom by Welch and Satterthwaite.
  public let degrees: Double
  /// Two-sided probability.
  public let p: Double

  /// Nil if a sample has fewer than two values, or both are constant.
  public init?(_ a: SampleSummary, _ b: SampleSummary) {
    guard let deviationA = a.deviation, let deviationB = b.deviation else { return nil }
    let unit = max(deviationA, deviationB)
    guard unit > 0 else { return nil }
    let varianceA = (deviationA / unit) * (deviationA / unit) / Double(a.count)
    let varianceB = (deviationB / unit) * (deviationB / unit) / Double(b.count)
    let sum = varianceA + varianceB
    degrees = sum * sum / (varianceA * varianceA / Double(a.count - 1) + varianceB * varianceB / Double(b.count - 1))
    difference = b.mean - a.mean
    let error = sum.squareRoot() * unit
    p = Distribution.studentTwoSided(difference / error, degrees: degrees)
    let half = Distribution.studentQuantile(twoSided: 0.05, degrees: degrees) * error
    guard difference.isFinite, (difference - half).isFinite, (difference + half).isFinite else { return nil }
    interval = (difference - half)...(difference + half)
  }
}
