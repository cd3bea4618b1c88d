// SPDX-License-Identifier: Apache-2.0
/// The class of an ``Ending``. The raw values are stable.
public enum Outcome: String, Sendable, CaseIterable {
  /// Exit code 0.
  case succeeded
  /// Another exit code.
  case failed
  /// Ended by a signal that was not the stop sequence of a time limit.
  case signaled
  /// Exceeded its time limit and was stopped.
  case timedOut = "timed_out"
  /// Canceled by its caller, while it ran or before.
  case canceled
  /// Never ran: not found, not executable, no such directory.
  case failedToStart = "failed_to_start"
}
