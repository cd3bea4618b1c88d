public import Glibc

/// Threads that take no signals: those are for the thread that runs the children.
public enum SignalFreeThread {
  /// Starts `body` with `context`.
  ///
  /// - Returns: whether there is such a thread.
  public static func start(
    _ thread: inout pthread_t, _ context: UnsafeMutableRawPointer?,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
  ) -> Bool {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A new thread inherits the mask, so there is no moment in which it could take one.
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return pthread_create(&thread, nil, body, context) == 0
  }
}
