// SPDX-License-Identifier: Apache-2.0
/// The judgement on one metric.
public enum Verdict: String, Sendable, CaseIterable {
  /// Neither a large effect nor evidence of any.
  case same
  /// A real difference that is too small to matter.
  case small
  /// A large and certain difference.
  case drift
  /// A large difference that may be chance.
  case inconclusive
  /// Too few values.
  case insufficient
  /// Only B reports it.
  case added
  /// Only A reports it.
  case removed
  /// One value on both sides, the same.
  case constant
  /// It is reported by another share of executions.
  case rateChanged = "rate_changed"

  /// Whether it means that B differs from A.
  public var isDrift: Bool { self == .drift || self == .rateChanged }
  /// Whether the data allowed a judgement.
  public var isJudged: Bool { self != .insufficient && self != .added && self != .removed }
}
