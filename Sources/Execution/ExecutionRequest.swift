// SPDX-License-Identifier: Apache-2.0
public import Platform
public import ProcessSupervision
public import RunModel

/// One execution to carry out: a value that can be queued, retried, stored and sent to another thread.
public struct ExecutionRequest: Sendable {
  /// Its identifier, from the child's environment to the key of the Kafka record.
  public var id: String
  /// The program to run.
  public var target: ExecutionTarget
  /// The input.
  public var input = RequestInput.inherited
  /// The media type of the input, for a worker.
  public var contentType: String?
  /// When and how it is stopped.
  public var limits: RunLimits
  /// When its time is over, the wait for a worker included; nil if only its limits count.
  public var deadline: MonotonicInstant?
  /// When it was asked for, if the wait from there to the start is of interest.
  public var submittedAt: MonotonicInstant?
  /// Variables of this execution alone, for a child of its own. The executor must not pass the same names on.
  public var variables: [OSString] = []
  /// The trace that it belongs to.
  public var trace: TraceContext?
  /// The number of this attempt, counted from 1.
  public var attempt = 1

  /// The first attempt to run `target` on algo-run's own standard input.
  public init(id: String, target: ExecutionTarget, limits: RunLimits, trace: TraceContext?) {
    self.id = id
    self.target = target
    self.limits = limits
    self.trace = trace
  }

  /// The record of this attempt if it could not start.
  public func failedToStart(at moment: Timestamp, because reason: String, cause: Cause = .initFailed) -> ExecutionRecord
  {
    .failedToStart(
      requestID: id, version: target.version, attempts: attempt, at: moment, reason: reason, cause: cause)
  }

  /// The record of this attempt, which was refused with `failure`.
  public func failedToStart(at moment: Timestamp, because failure: StartFailure) -> ExecutionRecord {
    failedToStart(at: moment, because: "\(failure)", cause: failure.cause)
  }
}

/// A version, or a bare command.
public struct ExecutionTarget: Sendable {
  /// The version; nil for a bare command.
  public let version: PublishedVersion?
  /// Program and arguments: the version's, or others in their place.
  public let command: [OSString]

  /// `version` with its own command, or with another one; without a version a bare command.
  public init(version: PublishedVersion?, command: [OSString]? = nil) {
    self.version = version
    self.command = command ?? version?.command.map { OSString($0) } ?? []
  }
}
