// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import ProcessSupervision
internal import RunModel

extension Worker: TimerHandler {
  func fired(_ timer: Timer, at now: MonotonicInstant) {
    if hasClosedAnswers, isActive {
      return violate("the worker closed its answers (descriptor 5) and did not end")
    }
    switch state {
    case .starting: doom(nil, .notReady(.timedOut(pool.settings.initTimeout)))
    case .idle: pool.wasIdleTooLong(self)
    case .retiring: child?.stop()
    case .ending: break
    case .running(let run):
      run.metrics?.watch()
      if run.answeredAt != nil {
        run.fork?.killNow()
      } else if run.fork == nil, let deadline = run.deadline {
        guard now >= deadline else { return timer.set(to: deadline) }
        // An answer that has arrived is not late, however late this process learns of it.
        child?.readOutputs(of: 5...5)
        guard case .running(let run) = state, run.answeredAt == nil, run.fork == nil else { return }
        state = .ending(run, .timeLimit)
        child?.stop()
      }
    }
  }
}

extension Worker: ChildWatcher {
  func orphanEnded() {
    if isIsolated, case .running(let run) = state, run.fork == nil { child?.readOutputs(of: 5...5) }
  }

  func paused(for pause: Duration) {
    if case .running(let run) = state { run.deadline = run.deadline.map { $0 + pause } }
    limit = limit.map { $0 + pause }
    switch state {
    case .running(let run): timer?.set(to: run.deadline)
    default: timer?.set(to: limit)
    }
  }

  func ended(_ ended: Child, _ exit: ChildExit) {
    if ended === child { workerEnded(exit) } else { forkEnded(ended, exit) }
  }

  private func forkEnded(_ fork: Child, _ exit: ChildExit) {
    child?.readOutputs(of: 1...5)
    switch state {
    case .running(let run) where run.fork === fork:
      // Half an answer ends with the process that wrote it.
      frames.reset()
      let ending: Ending =
        if run.answeredAt != nil { run.answeredEnding ?? .answered } else if exit.timedOut {
          .timedOut(exit.termination)
        } else { .workerEnded(exit.termination) }
      complete(run, ending, exit.usage, at: run.answeredAt ?? .now())
      becomeUsable(resident: nil)
    case .ending(let run?, let doom) where run.fork === fork && child == nil:
      end(run, doom, exit, exit.usage)
      pool.ended(self)
    default: break
    }
  }

  private func workerEnded(_ exit: ChildExit) {
    child = nil
    timer?.cancel()
    let isRead = requests.isRead
    requests.close()
    socket.close()
    let before = state
    state = .ending(nil, .noUse)
    switch before {
    case .starting: pool.startFailed(self, .ended(exit.termination))
    case .ending(_, .notReady(let reason)): pool.startFailed(self, reason)
    case .idle: pool.notice("a worker ended with \(exit.termination) while it had no request.")
    case .retiring, .ending(nil, _): break
    case .running(let run): lose(run, isRead ? .noUse : .notRead, exit)
    case .ending(let run?, let doom): lose(run, doom, exit)
    }
    if case .ending(nil, _) = state { pool.ended(self) }
    for pipe in latePipes { pipe.close() }
  }

  /// The worker has ended with a request.
  private func lose(_ run: WorkerRun, _ doom: Doom, _ exit: ChildExit) {
    if let fork = run.fork, fork.exit == nil {
      // Without its worker it cannot answer. Its end ends the request.
      state = .ending(run, doom)
      return fork.killNow()
    }
    if case .notRead = doom, pool.handOver(run) { return }
    end(run, doom, exit, usage(of: run, exit))
  }

  private func end(_ run: WorkerRun, _ doom: Doom, _ exit: ChildExit, _ usage: ResourceUsage?) {
    let ending: Ending =
      switch doom {
      case .timeLimit: .timedOut(exit.termination)
      case .violation(let sentence): .protocolError(reason: sentence)
      case .inputLost(let failure): .failedToStart(reason: "\(failure)", cause: failure.cause)
      case .notReady, .notRead, .noUse: .workerEnded(exit.termination)
      }
    complete(run, ending, usage, at: .now())
  }
}
