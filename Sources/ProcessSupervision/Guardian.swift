// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Platform

/// The process that kills the children's groups when this one was itself killed with SIGKILL; see guardian.c.
final class Guardian {
  /// Never written to: the guardian waits for its end.
  private let writer: Descriptor
  private var pid: Int32?
  private var wasDismissed = false

  /// Nil if the system gives no pipe or process: the leaders still die with the supervisor, by PR_SET_PDEATHSIG.
  init?() {
    var writer: CInt = -1
    var started: Int32 = 0
    guard unsafe guardian_start(&writer, &started) == 0 else { return nil }
    self.writer = Descriptor(owning: writer)
    pid = started
  }

  /// Removes `group`, whose leader was not yet reaped.
  func forget(_ group: Int32) { guardian_forget(group) }

  /// A reaped process may have been the guardian: then its number may belong to another process.
  func wasReaped(_ reaped: Int32) { if reaped == pid { pid = nil } }

  /// Kills it, because no child is left to guard. It dies while its owner does other things, and is reaped with it.
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
