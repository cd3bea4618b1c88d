internal import CProcessLaunch

/// The process that kills the children's groups when this one was itself killed with SIGKILL; see guardian.c.
final class Guardian {
  let descriptor: Int32
  private let pid: Int32
  private var isAlive = true

  /// Nil where the system gives no process: the leaders still die with the supervisor, by PR_SET_PDEATHSIG.
  init?() {
    var pid: Int32 = 0
    var descriptor: Int32 = -1
    guard unsafe guardian_start(&pid, &descriptor) == 0 else { return nil }
    self.pid = pid
    self.descriptor = descriptor
  }

  /// Tells it to let `group` be; call it while the group's leader is not yet reaped.
  func forget(_ group: Int32) { if isAlive { guardian_forget(descriptor, group) } }

  /// Whether a reaped process was it; then nobody may signal its number again.
  func wasReaped(_ reaped: Int32) { if reaped == pid { isAlive = false } }

  deinit { if isAlive { guardian_end(pid, descriptor) } }
}
