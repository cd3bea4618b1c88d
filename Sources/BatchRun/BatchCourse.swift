internal import Execution
internal import Glibc
internal import Platform
internal import ProcessSupervision

/// How far the batch is on its way to the end.
enum BatchCourse: Int, Comparable {
  case running
  /// No new requests; running ones finish.
  case finishing
  /// Children are being stopped.
  case stopping
  /// Children were killed, and nobody waits for a reader of the results any more.
  case abandoning

  static func < (left: BatchCourse, right: BatchCourse) -> Bool { left.rawValue < right.rawValue }
}

/// How a batch ends before its list does: by a signal, or because requests or results broke off.
extension BatchRun {
  func take(signal number: Int32) {
    switch number {
    case SIGUSR1: display.sayNow(figures, at: .now())
    case SIGUSR2, SIGWINCH: break
    case SIGTSTP, SIGTTIN, SIGTTOU:
      display.clear()
      supervisor.stopWithChildren(by: number)
    case SIGQUIT where course < .stopping: stopChildren()
    default:
      if course == .running || course == .finishing && cut != .interrupted {
        (course, cut) = (.finishing, .interrupted)
        display.say(
          running.isEmpty
            ? "interrupted."
            : "interrupted; \(Figures.counted(running.count, "running request")) will finish (once more stops them).")
      } else if course < .stopping {
        stopChildren()
      } else {
        course = .abandoning
        for id in running.keys { executor.kill(id) }
      }
    }
  }

  private func stopChildren() {
    (course, cut) = (.stopping, .interrupted)
    if !running.isEmpty { display.say("stopping \(Figures.counted(running.count, "running request")).") }
    for id in running.keys { executor.stop(id) }
  }

  /// The list broke off: running requests finish, and their results are complete.
  func stopReading(_ reason: BatchFailure) {
    failure = failure ?? reason
    cut = cut ?? .broken
    course = max(course, .finishing)
  }

  /// Results cannot be written any more: nothing that runs would be of use.
  func stopWriting(_ reason: BatchFailure) {
    failure = failure ?? reason
    cut = cut ?? .broken
    canWrite = false
    retrying.clear()
    guard course < .stopping else { return }
    course = .stopping
    for id in running.keys { executor.stop(id) }
  }
}
