// SPDX-License-Identifier: Apache-2.0
internal import CProcessLaunch
internal import Glibc
internal import Platform
internal import RunModel

/// Job control for the child that shares the terminal with the supervisor: to the shell, the two are one job.
///
/// ## Theory of operation
///
/// The child leads a process group of its own, but the terminal stays with the supervisor's group, the shell's job. So
/// Ctrl-C and Ctrl-Z reach the shell script, the loop or the pipeline around the supervisor as well; the supervisor
/// forwards them to the child. A read by the child from the terminal stops its group with SIGTTIN, a change of its
/// settings with SIGTTOU. Then the terminal is lent to that group, and the child continues as if nothing had happened.
/// The supervisor takes the terminal back when the child ends or is stopped, or when another process of the job is
/// stopped because it needs the terminal too.
///
/// A child that is stopped for another reason stops the supervisor as well, so that the shell sees a stopped job.
final class JobControl: TimerHandler {
  let child: Child
  private var terminal: Terminal?
  /// Whether the terminal was lent, and not taken back since.
  private var isLent = false
  /// A stop signal from outside was forwarded: the rest of the job has it already.
  private var hasForwardedStop = false
  /// Set while members of the group may stop because the terminal was lent too late for them.
  private var timer: Timer?
  private var checkInterval = JobControl.firstCheck
  /// Whether the last check found one.
  private var sawLateStop = false

  private static let firstCheck = Duration.milliseconds(10)
  /// With doubled intervals the checks end half a minute after the loan.
  private static let lastCheck = Duration.seconds(16)

  init(child: Child, on loop: EventLoop) {
    self.child = child
    timer = loop.schedule(self)
  }

  /// The supervisor was asked to stop by SIGTSTP, SIGTTIN or SIGTTOU.
  func stopRequested(by signal: Int32) {
    if signal != SIGTSTP, isLent, let terminal, terminal.isHeld(by: child.pid) {
      // Another process of the job needs the terminal. The kernel stopped the whole job for it.
      reclaim()
      _ = kill(0, SIGCONT)
      return
    }
    hasForwardedStop = true
    child.signal(signal)
  }

  /// The child was stopped by `signal`.
  func childStopped(by signal: Int32) {
    let wasForwarded = hasForwardedStop
    hasForwardedStop = false
    if terminal == nil { terminal = Terminal() }
    // Without a terminal there is no shell that could continue a stopped supervisor: it continues with its time limit.
    guard let terminal else { return }
    if signal == SIGTTIN || signal == SIGTTOU {
      if terminal.isOurs || terminal.isHeld(by: child.pid) { return lend(terminal) }
      if !stopTogether(by: signal, wholeJob: !wasForwarded) {
        // The job is in the background, and no shell is left to bring it to the foreground. This is how the kernel ends
        // the wait of a stopped process that loses its shell.
        child.signal(SIGHUP)
        child.signal(SIGCONT)
      }
      return
    }
    // A key pressed while the terminal was lent reached the child's group alone; the shell's job is to stop as a whole.
    let wasLent = isLent && terminal.isHeld(by: child.pid)
    reclaim()
    // Without a shell the kernel would not have stopped the child by Ctrl-Z at all.
    if !stopTogether(by: SIGTSTP, wholeJob: wasLent), signal == SIGTSTP { child.signal(SIGCONT) }
  }

  /// The supervisor was continued by another process.
  func continued() { child.signal(SIGCONT) }

  /// The child has ended and its group is gone.
  func childEnded(_ exit: ChildExit) {
    guard isLent else { return }
    reclaim()
    // Ctrl-C reached only the child's group. The rest of the job gets it now, as it would have without the loan.
    if case .signaled(let number) = exit.termination, number == SIGINT || number == SIGQUIT, !child.wasSent(number) {
      _ = kill(0, number)
    }
  }

  /// Continues members of the group that stopped themselves after the terminal was lent. A program that asks for a
  /// password catches SIGTTOU, restores the settings of the terminal, and only then stops; its parent, a shell that
  /// leads the group, was continued before that.
  func fired(_ timer: Timer, at now: MonotonicInstant) {
    let isLate = only_members_are_stopped(child.pid)
    // Found twice: a group that Ctrl-Z stops is for a moment in the same state.
    if isLate, sawLateStop { child.signal(SIGCONT) }
    sawLateStop = isLate
    checkInterval *= 2
    timer.set(to: checkInterval <= Self.lastCheck ? now + checkInterval : nil)
  }

  private func lend(_ terminal: Terminal) {
    terminal.lend(to: child.pid)
    isLent = true
    child.signal(SIGCONT)
    checkInterval = Self.firstCheck
    sawLateStop = false
    timer?.set(to: .now() + checkInterval)
  }

  private func reclaim() {
    guard isLent else { return }
    terminal?.reclaim(from: child.pid)
    isLent = false
    timer?.cancel()
  }

  /// Stops the supervisor, or the whole job, until the shell continues it; then continues the child.
  ///
  /// - Returns: False if the kernel stops nothing, because no shell could continue it.
  private func stopTogether(by signal: Int32, wholeJob: Bool) -> Bool {
    guard let pause = Self.stopProcess(by: signal, wholeJob: wholeJob) else { return false }
    child.extendLimits(by: pause)
    child.signal(SIGCONT)
    return true
  }

  /// Stops this process or its whole group, and gives the time until it was continued; nil if the kernel stops nothing.
  static func stopProcess(by signal: Int32, wholeJob: Bool) -> Duration? {
    let begun = MonotonicInstant.now()
    return stop_process(signal, wholeJob) ? MonotonicInstant.now().duration(since: begun) : nil
  }
}
