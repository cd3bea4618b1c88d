/// How an execution ended.
public enum Outcome: String, Sendable, CaseIterable {
  /// Exit code 0.
  case succeeded
  /// Another exit code.
  case failed
  /// Ended by a signal that was not the stop sequence of a time limit.
  case signaled
  /// Ran into its time limit and was stopped.
  case timedOut = "timed_out"
  /// Never ran: not found, not executable, no such directory.
  case failedToStart = "failed_to_start"
}

/// How the child process ended, as the kernel told it.
public enum Termination: Sendable, Equatable {
  /// It called exit, with 0 to 255.
  case exited(code: Int32)
  /// Signal `number` ended it.
  case signaled(number: Int32)
}
