// SPDX-License-Identifier: Apache-2.0
public import Platform

/// The reason why ``Supervisor/open(_:flags:mode:until:)`` opened nothing.
public enum OpenFailure: Error, Equatable {
  /// The system refused it.
  case system(SystemError)
  /// A signal asked to end the wait for the other side of a named pipe.
  case interrupted(by: Int32)
  /// No process had opened the other side of a named pipe at the deadline.
  case timedOut
}
