internal import Glibc

/// Signals that are blocked and were sent since they were last taken.
public enum PendingSignals {
  /// Whether SIGINT, SIGTERM, SIGHUP or SIGQUIT is among them: waits for other processes should end.
  public static var askToEnd: Bool {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return false }
    return [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains { unsafe sigismember(&pending, $0) == 1 }
  }
}
