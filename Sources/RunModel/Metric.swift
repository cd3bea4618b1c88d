// SPDX-License-Identifier: Apache-2.0
/// One inference metric as the algorithm reported it.
public struct Metric: Sendable, Equatable {
  /// Its name, decoded.
  public let name: String
  /// Its number as it was written: `0.10` stays `0.10`.
  public let number: String

  /// A metric of a given name and number.
  public init(name: String, number: String) {
    self.name = name
    self.number = number
  }
}

/// Why a metric, a line or the rest of a stream was rejected. The raw values are stable.
public enum RejectionReason: String, Sendable, CaseIterable {
  case reservedName = "reserved_name"
  case tooManyMetrics = "too_many_metrics"
  case payloadTooLarge = "payload_too_large"
  case notANumber = "not_a_number"
  case notFinite = "not_finite"
  case emptyName = "empty_name"
  case malformedLine = "malformed_line"
  case streamTooLong = "stream_too_long"
  /// Workers only: written after the answer. Such lines are counted, and are in no record.
  case late
}

/// Something of the metric stream that is not in the payload, and why.
public struct MetricRejection: Sendable, Equatable {
  /// The rejected name or line.
  public enum Subject: Sendable, Equatable {
    /// A metric, by its decoded name.
    case metric(String)
    /// A line, counted from 1, with an excerpt made safe for a terminal.
    case line(Int, excerpt: String)
  }

  /// The rejected name or line.
  public let subject: Subject
  /// Why.
  public let reason: RejectionReason
  /// The figures.
  public let detail: String

  /// A rejection of `subject` for `reason`, with its figures.
  public init(subject: Subject, reason: RejectionReason, detail: String) {
    self.subject = subject
    self.reason = reason
    self.detail = detail
  }
}

extension MetricRejection: CustomStringConvertible {
  /// The line a user sees: `metric "f" rejected: too_many_metrics (26 reported, 25 allowed)`.
  public var description: String {
    switch subject {
    case .metric(let name): "metric \"\(TerminalText.escaped(name))\" rejected: \(reason.rawValue) (\(detail))"
    case .line(let number, let excerpt) where excerpt.isEmpty:
      "metric line \(number) rejected: \(reason.rawValue) (\(detail))"
    case .line(let number, let excerpt):
      "metric line \(number) rejected: \(reason.rawValue) (\(detail)): \(excerpt)"
    }
  }
}

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
