// SPDX-License-Identifier: Apache-2.0
/// All that was observed of one execution: what `--report` writes and a batch result carries. Exists only once the
/// execution has ended.
public struct ExecutionRecord: Sendable {
  /// The request's identifier.
  public var requestID: String
  /// The version that ran; nil for a bare command.
  public var version: PublishedVersion?
  /// The trace that the request belongs to.
  public var trace: TraceContext?
  /// How it ended.
  public var ending: Ending
  /// Executions of this request, this one included.
  public var attempts: Int
  /// When it started, or would have.
  public var startedAt: Timestamp
  /// Wall time from start to end, by the monotonic clock.
  public var duration: Duration
  /// The resources that it and the processes that it waited for used; nil if they are unknown or nothing ran.
  public var usage: ResourceUsage?
  /// The metrics that it reported.
  public var metrics: CollectedMetrics
  /// The payload, whether or not it is published; nil without a version and if nothing ran.
  public var payload: [UInt8]?
  /// Time that a call waited for its execution to begin; nil outside `serve`.
  public var queueTime: Duration?
  /// The media type of the result, if its worker gave one.
  public var resultType: String?
  /// The outcome of the payload.
  public var delivery: Delivery

  /// A record of an execution that ran. Its payload and its delivery are still to come.
  public init(
    requestID: String, version: PublishedVersion?, trace: TraceContext? = nil, ending: Ending, attempts: Int,
    startedAt: Timestamp, duration: Duration, usage: ResourceUsage?, metrics: CollectedMetrics,
    delivery: Delivery = Delivery(.insightsOff)
  ) {
    self.requestID = requestID
    self.version = version
    self.trace = trace
    self.ending = ending
    self.attempts = attempts
    self.startedAt = startedAt
    self.duration = duration
    self.usage = usage
    self.metrics = metrics
    self.delivery = delivery
  }

  /// A record of an execution that never ran, for `reason`: there is nothing to publish.
  public static func failedToStart(
    requestID: String, version: PublishedVersion?, attempts: Int, at moment: Timestamp, reason: String,
    cause: Cause = .initFailed
  ) -> ExecutionRecord {
    ExecutionRecord(
      requestID: requestID, version: version, ending: .failedToStart(reason: reason, cause: cause), attempts: attempts,
      startedAt: moment, duration: .zero, usage: nil, metrics: .none,
      delivery: Delivery(.insightsOff, detail: "it never started, so there is nothing to publish"))
  }

  /// The class of its ending.
  public var outcome: Outcome { ending.outcome }

  /// Why it did not succeed; nil if it did.
  public var cause: Cause? { ending.cause }

  /// The error of `apply`; nil if there was none.
  public var error: AlgorithmError? {
    if case .raised(let error) = ending { error } else { nil }
  }

  /// How its process ended; nil if there was none.
  public var termination: Termination? { ending.termination }

  /// A sentence about the worker if it gave no answer; nil otherwise.
  public var explanation: String? {
    switch ending {
    case .workerEnded(let termination): "the worker ended with \(termination) before it answered."
    case .protocolError(let reason): reason
    default: nil
    }
  }

  /// The exit status that `exec` returns for it: the child's own, 128+N for signal N, 124 for a time limit, 125 if
  /// algo-run or the worker failed.
  public var exitStatus: Int32 {
    switch ending {
    case .timedOut: return 124
    case .failedToStart(_, .notFound): return 127
    case .failedToStart(_, .notExecutable): return 126
    case .failedToStart, .protocolError: return 125
    default: break
    }
    return switch termination {
    case .exited(let code): code
    case .signaled(let number): 128 + number
    case nil: 125
    }
  }

  /// The signal that ended the child, which `exec` ends by as well; nil if none did, or if the time limit sent it.
  public var endingSignal: Int32? {
    switch ending {
    case .ended(.signaled(let number)), .workerEnded(.signaled(let number)): number
    default: nil
    }
  }
}
