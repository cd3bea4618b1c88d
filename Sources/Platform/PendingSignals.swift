// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Signals that are blocked and were sent since they were last taken.
public enum PendingSignals {
  /// Whether SIGINT, SIGTERM, SIGHUP or SIGQUIT is among them: waits for other processes should end.
  public static var askToEnd: Bool { askingToEnd != nil }

  /// The first of them.
  public static var askingToEnd: Int32? {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return nil }
    return [SIGINT, SIGTERM, SIGHUP, SIGQUIT].first { unsafe sigismember(&pending, $0) == 1 }
  }
}
