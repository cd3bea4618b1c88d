// SPDX-License-Identifier: Apache-2.0
/// One step of `connection test` and what came of it.
public struct StageResult: Sendable, Equatable {
  /// The steps, in the order they are walked.
  public enum Stage: String, Sendable, CaseIterable {
    /// Whether the file takes lines; the only step of a connection to a file.
    case file
    /// Settings and library.
    case settings
    /// Names of brokers to addresses.
    case resolve
    case tcp
    case tls
    case authentication
    case metadata
    case topic
    /// One record produced and acknowledged by all in-sync replicas.
    case produce
  }

  /// How it ended.
  public enum Verdict: Sendable, Equatable {
    /// With what there is to know.
    case passed(String)
    /// The exact cause, and what to do about it. It is firm if it is an answer of the other end, which stays the same
    /// until a setting changes. Otherwise it can pass.
    case failed(cause: String, hint: String, isFirm: Bool = false)
    /// There is no producer, so nothing was sent to the broker.
    case refused(KafkaError)
    /// Why there was nothing to test.
    case skipped(String)
  }

  /// Which step.
  public let stage: Stage
  /// How it ended.
  public let verdict: Verdict
  /// How long it took.
  public let time: Duration

  /// A step, how it ended and how long it took.
  public init(stage: Stage, verdict: Verdict, time: Duration) {
    self.stage = stage
    self.verdict = verdict
    self.time = time
  }

  /// Whether the step fails until a setting changes, here or there.
  public var isFirm: Bool {
    switch verdict {
    case .failed(_, _, let isFirm): isFirm
    case .refused: true
    case .passed, .skipped: false
    }
  }

  /// Whether the walk ends here.
  public var hasFailed: Bool {
    switch verdict {
    case .failed, .refused: true
    case .passed, .skipped: false
    }
  }
}
