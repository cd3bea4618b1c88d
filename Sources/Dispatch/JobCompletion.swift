// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Identifies a job of one dispatcher.
public struct JobID: Hashable, Sendable {
  let number: UInt64
}

/// A job that is over.
public struct JobCompletion: Sendable {
  /// What ``Dispatcher/submit(_:output:deadline:)`` returned for it.
  public let id: JobID
  /// What it came to.
  public let result: JobResult
}

/// What a job came to.
public enum JobResult: Sendable {
  /// Its last attempt ended, or could not start.
  case ended(ExecutionRecord)
  /// Its deadline came while it waited for a slot: it never started.
  case expired
  /// It was stopped, or the dispatcher was, while it waited for a slot: it never started.
  case canceled
}
