// SPDX-License-Identifier: Apache-2.0
/// How large a difference is, in a measure without a unit.
public struct Effect: Sendable, Equatable {
  /// The measure.
  public enum Measure: String, Sendable {
    /// Kolmogorov–Smirnov D.
    case ks
    /// Total variation: half the sum of the differences of shares.
    case totalVariation = "total_variation"
    /// Mean difference of pairs over the standard deviation of A.
    case meanShift = "mean_shift"
    /// Net share of pairs that changed from 0 to 1, or from 1 to 0.
    case netChange = "net_change"
  }

  /// The measure.
  public let measure: Measure
  /// Its size; infinite for a shift of a constant.
  public let value: Double
  /// The smallest effect that would surely have been significant; set with the verdict.
  public var detectable: Double?

  /// Whether it matters. A distance that is 0.1 but for rounding counts.
  public var isLarge: Bool { value >= ComparisonSettings.largeEffect * (1 - 1e-12) }
}
