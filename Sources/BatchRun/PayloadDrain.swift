// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The end of a batch: waits until the last payloads are acknowledged, and leaves late ones in the outbox.
struct PayloadDrain {
  /// Time between two looks at the figures.
  private static let interval = Duration.milliseconds(50)
  /// A longer wait is explained.
  private static let silentWait = Duration.seconds(1)
  /// The limit after an interruption: payloads under way may still arrive.
  static let afterInterrupt = Duration.seconds(2)

  let payloads: any PayloadQueue
  let loop: EventLoop
  let supervisor: Supervisor
  let display: ProgressDisplay

  /// Waits at most `limit`, then closes the queue: the rest stays in the outbox.
  ///
  /// - Returns: Whether a signal interrupted the wait.
  func run(limit: Duration, figures: (PayloadCounts) -> ProgressText) -> Bool {
    let begun = MonotonicInstant.now()
    let deadline = begun + limit
    var isInterrupted = false
    var isExplained = display.isSilent
    while !isInterrupted, payloads.counts.waiting > 0, MonotonicInstant.now() < deadline {
      display.update(figures(payloads.counts), at: .now())
      if !isExplained, MonotonicInstant.now() >= begun + Self.silentWait {
        isExplained = true
        let waiting = HumanFormat.counted(payloads.counts.waiting, "payload")
        display.print(
          "no request runs any more; delivering \(waiting) for up to \(HumanFormat.span(limit)) (Ctrl-C leaves them in "
            + "the outbox).")
      }
      loop.turn(until: min(deadline, .now() + Self.interval))
      for signal in supervisor.takeSignals() {
        switch signal.number {
        case SIGINT, SIGTERM, SIGHUP, SIGQUIT: isInterrupted = true
        case SIGTSTP, SIGTTIN, SIGTTOU:
          display.clear()
          supervisor.stopWithChildren(by: signal.number)
        case SIGUSR1: display.printNow(figures(payloads.counts), at: .now())
        default: break
        }
      }
    }
    payloads.close()
    return isInterrupted
  }
}
