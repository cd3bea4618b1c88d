// SPDX-License-Identifier: Apache-2.0
/// Limits of a comparison.
public struct ComparisonSettings: Sendable {
  /// An effect from here on is large: a distance of 0.1, or a tenth of a standard deviation in pairs.
  public static let largeEffect = 0.1

  /// The largest corrected probability that counts as evidence.
  public var alpha = 0.01
  /// The fewest values of a metric on each side, or pairs.
  public var minimumSamples = 30

  /// The defaults.
  public init() {}
}
