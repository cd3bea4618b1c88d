// SPDX-License-Identifier: Apache-2.0
internal import MetricsIntake
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// The frames of a worker, and the results of its requests.
extension Worker {
  private func answer(_ arrived: UnsafeRawBufferPointer) {
    var bytes = arrived
    do throws(FrameReader.Malformed) {
      while let part = try frames.next(&bytes) {
        switch (part, state) {
        case (.header(let frame), .starting), (.header(let frame), .idle), (.header(let frame), .running):
          if let violation = phase.violation(by: frame) { return surplus(violation) }
          take(frame)
        case (.body(let piece), .running(let run)):
          switch run.answer {
          case .done: run.output?.receive(piece, from: 1)
          default:
            run.output?.receive(piece, from: 2)
            if run.message.count < Self.mostMessageBytes {
              run.message.append(contentsOf: piece.prefix(Self.mostMessageBytes))
            }
          }
        case (.end, .running(let run)): if run.answer != nil { run.answeredAt = .now() }
        case (.body, _), (.end, _): break
        case (.header(let frame), .retiring), (.header(let frame), .ending):
          // Its fork must not outlive it.
          if frame.verb == .forked, let fork = fork(named: frame, SpawnConfiguration(command: [], environment: [])) {
            fork.killNow()
          }
        }
      }
    } catch {
      return surplus("the worker sent \"\(error.excerpt)\", which is not a frame")
    }
    answered(nil)
  }

  private var phase: AnswerPhase {
    switch state {
    case .starting: .starting
    case .running(let run) where run.answeredAt == nil: .running(number: run.number)
    default: .answered
    }
  }

  /// A violation. An answer before it counts.
  private func surplus(_ violation: String) { answered(violation) }

  /// All bytes are read: only now other pipes may be, into the same buffer.
  private func answered(_ violation: String?) {
    if case .running(let run) = state, let moment = run.answeredAt, run.metrics?.isLate == false {
      finish(run, at: moment)
    }
    if let violation { violate(violation) }
  }

  private func take(_ frame: Frame) {
    switch (frame.verb, state) {
    case (.ready, _):
      takesPaths = frame.value(of: "descriptors") == "path"
      isIsolated = frame.value(of: "isolation") == "process"
      becomeReady()
    case (.forked, .running(let run)):
      var configuration = SpawnConfiguration(command: [], environment: [])
      configuration.limits = run.request.limits
      configuration.limits.timeLimit = run.deadline.map { max(.zero, $0 - .now()) }
      configuration.watcher = self
      guard run.fork == nil, let fork = fork(named: frame, configuration) else {
        return violate(
          "the worker sent \"forked\" twice, or for a process that is not a child of algo-run with a group")
      }
      run.fork = fork
      if run.isCanceled { fork.stop() }
    case (.done, .running(let run)):
      run.answer = .done
      run.resultType = type(of: frame)
    case (.fail, .running(let run)): run.answer = .fail(type: frame.value(of: "type") ?? "Error")
    default: break
    }
  }

  private func fork(named frame: Frame, _ configuration: SpawnConfiguration) -> Child? {
    frame.value(of: "pid").flatMap { Int32($0) }.flatMap { pool.supervisor.adopt($0, configuration) }
  }

  /// The media type of a result, most often that of the result before.
  private func type(of frame: Frame) -> String? {
    guard let type = frame.value(of: "type") else { return nil }
    if lastType != type { lastType = type }
    return lastType
  }

  private func becomeReady() {
    if pool.settings.isolates, !isIsolated {
      return violate(
        "the worker answers all requests in one process, and --isolate needs a fork for each: use the Python binding or leave "
          + "--isolate out")
    }
    if let most = pool.settings.maxResidentBytes, let resident = gauge?.read()?.resident, resident > most {
      return doom(nil, .notReady(.memoryLimit(resident: resident, limit: most)))
    }
    wasReady = true
    becomeIdle()
    pool.becameReady(self)
  }

  private func becomeIdle() {
    state = .idle
    setLimit(pool.settings.idle)
  }

  /// The answer of `run` is complete.
  private func finish(_ run: WorkerRun, at moment: MonotonicInstant) {
    guard requests.isWritten else { return violate("the worker answered before it had read the request") }
    child?.readOutputs(of: 1...3)
    endMetrics(of: run)
    guard run.fork == nil else {
      // The end of the fork ends the request, and brings its usage.
      limit = moment + run.request.limits.grace
      timer?.set(to: limit)
      return
    }
    var usage = usage(of: run)
    let memory = memory(after: usage.map { $0.userTime + $0.systemTime })
    usage?.peakMemoryBytes = memory?.peak
    complete(run, run.answeredEnding ?? .answered, usage, at: moment)
    becomeUsable(resident: memory?.resident)
  }

  func becomeUsable(resident: Int64?) {
    answered += 1
    becomeIdle()
    pool.becameIdle(self, resident: resident)
  }

  func complete(_ run: WorkerRun, _ ending: Ending, _ usage: ResourceUsage?, at moment: MonotonicInstant) {
    endMetrics(of: run)
    let ending = run.isCanceled && run.answeredAt == nil ? .canceled(ending.termination) : ending
    pool.completed(run, ending, usage, duration: moment.duration(since: run.startedAt))
  }

  func endMetrics(of run: WorkerRun) {
    guard let metrics = run.metrics, !metrics.isLate else { return }
    metrics.requestEnded()
    guard metrics.isOpen else { return }
    latePipes.removeAll { !$0.isOpen }
    if latePipes.count == Self.mostLatePipes { latePipes.removeFirst().close() }
    latePipes.append(metrics)
  }

  /// Peak memory from the request to its answer, and the memory now. In a brief time a worker cannot take and give back
  /// much: then the peak is the larger of before and after, and neither is read again before such a time has passed.
  private func memory(after time: Duration?) -> (peak: Int64, resident: Int64)? {
    let time = time ?? Self.brief
    timeSinceReading += time
    if let before = lastResident, time < Self.brief {
      if timeSinceReading < Self.brief { return (before, before) }
      if let resident = gauge?.readResident() {
        if resident < before { hasOldPeak = true }
        (lastResident, timeSinceReading) = (resident, .zero)
        return (max(before, resident), resident)
      }
    }
    let memory = gauge?.read()
    (lastResident, timeSinceReading, hasOldPeak) = (memory?.resident, .zero, true)
    return memory
  }

  /// CPU time of the worker from the request to its answer. The part in user mode is the kernel's estimate.
  private func usage(of run: WorkerRun) -> ResourceUsage? {
    guard let child, let before = run.cpuBefore, let after = child.cpuTime else { return nil }
    let time = after - before
    // Below this the kernel's samples are too few.
    let user = time < .milliseconds(1) ? time : time * child.userShare
    return ResourceUsage(userTime: user, systemTime: time - user, peakMemoryBytes: nil)
  }

  /// The same of a worker that has ended.
  func usage(of run: WorkerRun, _ exit: ChildExit) -> ResourceUsage? {
    guard let all = exit.usage, let before = run.cpuBefore else { return exit.usage }
    let (total, life) = (all.userTime + all.systemTime, all.userTime + all.systemTime - before)
    let share = total > .zero ? max(0, min(1, life / total)) : 0
    return ResourceUsage(
      userTime: all.userTime * share, systemTime: all.systemTime * share, peakMemoryBytes: all.peakMemoryBytes)
  }
}

extension Worker: OutputReceiver {
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
    switch (descriptor, state) {
    case (5, _): answer(bytes)
    case (3, .running(let run)):
      pool.late.count += lines.consume(bytes, running: run.metrics?.isLate == false ? run.number : nil) {
        run.metrics?.intake.consume($0)
      }
    case (3, .ending(let run?, _)):
      pool.late.count += lines.consume(bytes, running: run.number) { run.metrics?.intake.consume($0) }
    case (3, _): pool.late.count += lines.consume(bytes, running: nil) { _ in }
    case (_, .running(let run)), (_, .ending(let run?, _)):
      if let output = run.output { output.receive(bytes, from: 2) } else { pool.log?.receive(bytes, from: 2) }
    default:
      tail.receive(bytes)
      pool.log?.receive(bytes, from: descriptor)
    }
  }

  func reachedEnd(of descriptor: Int32) {
    guard descriptor == 5, isActive, child?.exit == nil else { return }
    hasClosedAnswers = true
    limit = .now() + Self.endDelay
    timer?.set(to: limit)
  }
}
