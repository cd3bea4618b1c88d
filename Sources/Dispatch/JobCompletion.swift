// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Identifies a job of one dispatcher.
public struct JobID: Hashable, Sendable {
  let number: UInt64
}

/// A job that is over.
public struct JobCompletion: Sendable {
  /// The return value of ``Dispatcher/submit(_:output:deadline:)``.
  public let id: JobID
  /// Its result.
  public let result: JobResult
}

/// The result of a job.
public enum JobResult: Sendable {
  /// Its last attempt ended, or could not start.
  case ended(ExecutionRecord)
  /// Its deadline came while it waited for a slot: it never started.
  case expired
  /// It was stopped, or the dispatcher was, while it waited for a slot: it never started.
  case canceled
}
