internal import CProcessLaunch
internal import Platform

/// The process that kills the children's groups when this one was itself killed with SIGKILL; see guardian.c.
///
/// The reading end of its pipe stays open here too: a child that registers after somebody killed the guardian would
/// otherwise be ended by SIGPIPE.
final class Guardian {
  private let reader: Descriptor
  private let writer: Descriptor
  private var pid: Int32?
  private var wasDismissed = false

  /// Nil where the system gives no pipe: the leaders still die with the supervisor, by PR_SET_PDEATHSIG.
  init?() {
    guard let (reader, writer) = try? Descriptor.pipe(),
      writer.withNumber({ guardian_make_writable($0) }) == 0
    else { return nil }
    self.reader = reader
    self.writer = writer
    var started: Int32 = 0
    // Without the process the pipe is there for nothing, and harms nothing.
    if reader.withNumber({ unsafe guardian_start($0, &started) }) == 0 { pid = started }
  }

  /// Lends the end of the pipe that a child registers with.
  func withWriter<Result>(_ body: (Int32) -> Result) -> Result { writer.withNumber(body) }

  /// Tells it to let `group` be; call it while the group's leader is not yet reaped.
  func forget(_ group: Int32) { writer.withNumber { guardian_forget($0, group) } }

  /// Whether a reaped process was it; then nobody may signal its number again.
  func wasReaped(_ reaped: Int32) { if reaped == pid { pid = nil } }

  /// Kills it, no child being left to guard; it is reaped with its owner, and dies meanwhile.
  func dismiss() {
    guard let pid, !wasDismissed else { return }
    wasDismissed = true
    guardian_dismiss(pid)
  }

  deinit {
    dismiss()
    if let pid { guardian_reap(pid) }
  }
}
