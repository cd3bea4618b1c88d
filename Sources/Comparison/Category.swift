// SPDX-License-Identifier: Apache-2.0
/// One value of a discrete metric, and how often it occurs on each side.
public struct Category: Sendable, Equatable {
  /// The value.
  public let value: Double
  /// Occurrences in A.
  public let a: Int
  /// Occurrences in B.
  public let b: Int

  /// A value with its occurrences.
  public init(value: Double, a: Int, b: Int) { (self.value, self.a, self.b) = (value, a, b) }
}
