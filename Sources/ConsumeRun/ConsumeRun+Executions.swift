// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import Execution
internal import KafkaClient
internal import Platform
internal import RequestDispatch
internal import RunModel

/// From a request to its answer.
extension ConsumeRun {
  // MARK: Executions

  func startRequests(at now: MonotonicInstant) {
    guard drainEnd == nil, !isLeaving, startsPausedUntil.map({ $0 <= now }) ?? true else { return }
    startsPausedUntil = nil
    while dispatcher.hasRoom, answers.count + (writing?.answers.count ?? 0) < Self.mostAnswers,
      let request = queue.take(at: now)
    {
      start(request)
    }
  }

  func start(_ request: IncomingRequest) {
    member.freeRoom(GroupMember.units(request.message.size))
    if request.history.crashes >= settings.maxCrashes { return refuse(request) }
    let isAlone = request.history.attempts > 0
    if let journal {
      let index = journal.begin(partition: request.partition.number, offset: request.offset, isAlone: isAlone)
      request.journalIndex = index
      request.capture.willStart = { [unowned journal] in journal.countAttempt(index) }
    }
    var execution = ExecutionRequest(
      id: request.id, target: settings.target, limits: settings.limits, trace: request.trace)
    execution.input = .bytes(request.message.value ?? [])
    execution.contentType = request.message.text("content-type")
    execution.attempt = 1 + request.history.attempts
    let job = dispatcher.submit(execution, output: request.capture)
    request.job = job
    running[job] = request
  }

  /// It took algo-run down too often.
  func refuse(_ request: IncomingRequest) {
    queue.ended(request)
    let record = ExecutionRecord.failedToStart(
      requestID: request.id, version: settings.version, attempts: request.history.attempts, at: WallClock.now(),
      reason: "algo-run died \(request.history.crashes) times while it ran this request alone; it is not run again")
    journal?.forget(partition: request.partition.number, before: request.offset + 1)
    answer(request, record, deadReason: .crashedSupervisor)
  }

  func takeCompletions() {
    for completion in dispatcher.takeCompletions() {
      guard let request = running.removeValue(forKey: completion.id) else { continue }
      if let index = request.journalIndex, !request.isAbandoned || executor.failure == nil { journal?.end(index) }
      queue.ended(request)
      guard case .ended(let record) = completion.result, !request.isAbandoned, !isCutShort(record) else {
        figures.abandoned += 1
        request.isAbandoned = true
        continue
      }
      if record.outcome == .failedToStart {
        failedToStart(request, record)
      } else {
        failedStarts = 0
        ended(request, record)
      }
    }
    if let failure = executor.failure { leaveUnable(because: "\(failure)") }
  }

  func leaveUnable(because reason: String) {
    leave(
      ConsumeEnd(
        status: 1,
        sentence: "the algorithm cannot be started on this host, so its partitions go to other members: \(reason)"))
  }

  /// Whether a request ended because this member ends, with attempts left.
  func isCutShort(_ record: ExecutionRecord) -> Bool {
    guard !dispatcher.isRunning else { return record.outcome == .canceled }
    return record.outcome == .canceled || record.outcome != .succeeded && record.attempts <= settings.retries.limit
  }

  /// That is not the request's fault: another host may be healthy.
  func failedToStart(_ request: IncomingRequest, _ record: ExecutionRecord) {
    failedStarts += 1
    request.isAbandoned = true
    guard case .failedToStart(let reason, _) = record.ending else { return }
    if failedStarts >= Self.mostFailedStarts {
      history?.append(record, inputSHA256: request.inputSHA256)
      return leaveUnable(because: reason)
    }
    display.print("\(request.source) could not be started and is tried again: \(reason)")
    startsPausedUntil = .now() + .seconds(1) * (1 << (failedStarts - 1))
    request.isAbandoned = false
    queue.add(request.again(), to: request.partition)
  }

  func ended(_ request: IncomingRequest, _ record: ExecutionRecord) {
    for rejection in record.metrics.rejected {
      figures.rejections += 1
      if figures.rejections <= Self.rejectionLines { display.print("\(request.source): \(rejection)") }
    }
    if record.outcome != .succeeded, settings.stopsOnFailure {
      request.isAbandoned = true
      history?.append(record, inputSHA256: request.inputSHA256)
      return leave(
        ConsumeEnd(
          status: 1,
          sentence:
            "stopped at the first failed request, \(request.source) (\(record.outcome.rawValue)), whose offset is "
            + "not committed; correct the algorithm and start it again, or pass --on-failure record."))
    }
    answer(request, record, deadReason: record.outcome == .succeeded ? nil : .failed)
  }

  func answer(_ request: IncomingRequest, _ record: ExecutionRecord, deadReason: Answer.DeadReason?) {
    let capture = request.capture
    let answer = Answer(
      request, record, result: capture.isCut ? nil : store.keep(capture.bytes), resultSize: capture.count,
      deadReason: deadReason)
    request.partition.uncommitted += 1
    if let payloads, let insights = record.insightsRecord {
      storing[payloads.enqueue(insights)] = answer
    } else {
      add(answer)
    }
  }

  /// The answer may be written.
  func add(_ answer: Answer) {
    guard !answer.request.isAbandoned else { return keep(answer) }
    answer.request.partition.progress.complete(answer.request.offset)
    answers.append(answer)
    answerBytes += answer.result?.count ?? 0
    scheduleCommit()
  }
}
