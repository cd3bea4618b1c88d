// SPDX-License-Identifier: Apache-2.0
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
