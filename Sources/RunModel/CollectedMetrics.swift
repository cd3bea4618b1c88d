// SPDX-License-Identifier: Apache-2.0
/// The result of a whole metric stream.
public struct CollectedMetrics: Sendable, Equatable {
  /// The metrics that passed, in the order of their first report.
  public let accepted: [Metric]
  /// All that did not.
  public let rejected: [MetricRejection]

  /// Metrics that passed and what did not.
  public init(accepted: [Metric], rejected: [MetricRejection]) {
    self.accepted = accepted
    self.rejected = rejected
  }

  /// Nothing was reported.
  public static let none = CollectedMetrics(accepted: [], rejected: [])
}
