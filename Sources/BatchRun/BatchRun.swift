// SPDX-License-Identifier: Apache-2.0
public import Execution
internal import Glibc
public import Platform
public import ProcessSupervision
internal import RequestDispatch
public import RunModel

/// Runs every request of a list: the loop that ties requests, dispatcher, payloads and results together.
///
/// ## Theory of operation
///
/// One thread, one loop, nothing that blocks. A request passes these places. Each of them is bounded, so that memory
/// does not grow with the list:
///
///     RequestIntake ─► Dispatcher ─► PendingPayloads ─► ResultWriter
///
/// New requests are taken only while every later place has room: a slow disk or a slow reader of the results delays the
/// start of requests, never a running child.
public final class BatchRun {
  /// Lines about rejected metrics; the summary counts the others.
  static let rejectionLines = 20

  private let settings: BatchSettings
  private let loop: EventLoop
  private let supervisor: Supervisor
  private let executor: any Executor
  private let dispatcher: Dispatcher
  private let payloads: (any PayloadQueue)?
  /// Takes the record of each request; nil if no history is kept.
  public var history: (any ExecutionLog)?
  private let display: ProgressDisplay
  private var intake: RequestIntake
  private let requestGate: ReadinessGate
  private let results: ResultWriter
  private let started = MonotonicInstant.now()
  private var count: RequestCount
  private var tally = BatchTally()
  private var submitted: [JobID: (request: Request, ordinal: Int, capture: ChildCapture)] = [:]
  private var pending: PendingPayloads
  private var lateReport = LateReport()
  private var phase = BatchPhase.running

  /// Opens requests and output; nothing runs yet.
  ///
  /// - Throws: ``BatchFailure`` if the files cannot be used, before anything was changed.
  public init(
    settings: BatchSettings, loop: EventLoop, supervisor: Supervisor, executor: any Executor,
    payloads: (any PayloadQueue)?
  ) throws(BatchFailure) {
    self.settings = settings
    self.loop = loop
    self.supervisor = supervisor
    self.executor = executor
    self.payloads = payloads
    dispatcher = Dispatcher(executor: executor, retries: settings.retries, halt: settings.halt)
    pending = PendingPayloads(queue: payloads)
    display = ProgressDisplay(style: settings.progress, sharesTerminal: settings.output == nil, now: started)
    let sources = try RequestSource.all(settings.files)
    count = RequestCount(sources: sources)
    let prepared = try OutputPreparation(settings: settings, supervisor: supervisor)
    for message in prepared.messages { display.print(message) }
    intake = try RequestIntake(sources, settings, succeeded: prepared.succeeded)
    requestGate = ReadinessGate(for: .read, on: loop)
    supervisor.watchStopRequests()
    results = ResultWriter(prepared.file, settings, on: loop)
    let slots = executor.freeSlots
    if slots < settings.jobs {
      display.print(
        "running \(HumanFormat.counted(slots, "request")) at a time, not \(settings.jobs): raise the limit of open files "
          + "(ulimit -n).")
    }
  }

  /// Runs to the end and drains the payloads.
  ///
  /// - Throws: ``BatchFailure`` if requests or results cannot be read or written; everything else is in the summary.
  public func run() throws(BatchFailure) -> BatchSummary {
    while true {
      let isBusy = advance()
      // Asked between the two: with nothing left that could happen, a turn would wait for its deadline.
      if isOver { break }
      loop.turn(until: isBusy ? .now() : nextDeadline)
      for signal in supervisor.takeSignals() { take(signal: signal.number) }
      for notice in executor.takeNotices() { display.print(notice) }
      if let line = lateReport.due(executor.lateMetrics) { display.print(line) }
    }
    let ran = MonotonicInstant.now()
    executor.close()
    var stopReason = phase.reason
    if let payloads {
      let limit = phase.isInterrupted ? min(PayloadDrain.afterInterrupt, settings.drainLimit) : settings.drainLimit
      let drain = PayloadDrain(payloads: payloads, loop: loop, supervisor: supervisor, display: display)
      if drain.run(limit: limit, figures: { _ in figures }) { stopReason = .interrupted(after: stopReason?.failure) }
    }
    endExecutor()
    display.clear()
    // Once, and not for each: if the program is missing, all requests fail for the same reason.
    for line in tally.startFailures.lines(except: stopReason?.startFailure) { display.print(line) }
    if let failure = stopReason?.failure { throw failure }
    try results.verify()
    tally.skipped = intake.skipped
    return BatchSummary(
      algorithm: settings.version.reference, tally: tally, stopReason: stopReason, notRun: notRun,
      canResume: settings.output != nil, elapsed: ran.duration(since: started),
      drained: MonotonicInstant.now().duration(since: ran), payloads: payloads?.counts ?? .none,
      lateMetrics: executor.lateMetrics)
  }

  /// Waits until the executor has ended its workers, or a signal asks not to: then the guardian ends it.
  private func endExecutor() {
    while true {
      // The executor learns about its ended processes when it is asked.
      _ = executor.takeCompletions()
      if executor.isClosed { break }
      loop.turn()
      if supervisor.takeSignals().contains(where: { $0.number == SIGINT || $0.number == SIGTERM }) { break }
    }
    for notice in executor.takeNotices() { display.print(notice) }
  }

  /// Does all that can be done now.
  ///
  /// - Returns: Whether there is more to do immediately.
  private func advance() -> Bool {
    dispatcher.expectedJobs = count.total
    for completion in dispatcher.takeCompletions() { take(completion) }
    for finished in pending.takeDurable() { write(finished) }
    var isBusy = takeRequests()
    noteEnd()
    let isGathering = phase == .running && !dispatcher.isIdle && results.isGathering
    if !isGathering, writeGroup() { isBusy = true }
    if !count.isOver, !display.isSilent || settings.halt != nil { count.advance() }
    display.update(figures, at: .now())
    return isBusy
  }

  /// Writes what is finished, or a bounded piece of it.
  ///
  /// - Returns: Whether there is more to do now.
  private func writeGroup() -> Bool {
    results.endGroup()
    // Before the results: a request that has one is in the history.
    history?.flush()
    var isBusy = false
    let wasFull = !canTake
    do throws(BatchFailure) {
      isBusy = try results.pump(waits: phase.stage != .abandoning)
    } catch { stopWriting(error) }
    // Writing made room again. No event reports that, and with no child running nothing else would wake the loop.
    return isBusy || wasFull && canTake
  }

  private var isOver: Bool {
    guard dispatcher.isIdle, intake.hasEnded || phase != .running else { return false }
    return results.isClosed || pending.count == 0 && results.isIdle
  }

  private var nextDeadline: MonotonicInstant? {
    [dispatcher.nextDue, display.nextDeadline, results.groupDeadline].compactMap { $0 }.min()
  }

  // MARK: Requests

  private var canTake: Bool {
    phase == .running && !intake.hasEnded && dispatcher.hasRoom
      && results.hasRoom(for: intake.nextOrdinal, pending: pending.count)
  }

  /// Returns whether there are more to take immediately.
  private func takeRequests() -> Bool {
    // A bounded number at a time: reading a list of skipped or unusable requests must not keep the loop from children.
    for _ in 0..<256 {
      guard canTake else { return false }
      do throws(BatchFailure) {
        switch try intake.next() {
        case .run(let request, let ordinal): take(request, ordinal)
        case .skip: break
        case .again: return true
        case .wait(let descriptor):
          requestGate.wait(for: descriptor)
          return false
        case .end: return false
        }
      } catch { stopReading(error) }
    }
    return true
  }

  private func take(_ request: Request, _ ordinal: Int) {
    let requestID = request.requestID ?? RequestID.random()
    if let problem = request.problem {
      let record = ExecutionRecord.failedToStart(
        requestID: requestID, version: settings.version, attempts: 0, at: WallClock.now(), reason: problem)
      dispatcher.count(record)
      return finish(FinishedRequest(request: request, ordinal: ordinal, record: record, capture: nil))
    }
    var execution = ExecutionRequest(
      id: requestID, target: settings.target, limits: settings.limits, trace: settings.trace)
    execution.input = request.input.bytes
    let capture = results.captures.take()
    submitted[dispatcher.submit(execution, output: capture)] = (request, ordinal, capture)
  }

  // MARK: Results

  private func take(_ completion: JobCompletion) {
    guard case .ended(let record) = completion.result,
      let (request, ordinal, capture) = submitted.removeValue(forKey: completion.id)
    else { return }
    let finished = FinishedRequest(request: request, ordinal: ordinal, record: record, capture: capture)
    if let failure = capture.output.failure { omit(finished, because: failure) } else { finish(finished) }
  }

  /// The disk had no room for the output. A part of it would pass for the whole with every reader of the results,
  /// `--resume` included: so there is no line, and the request runs again. Its payload is published.
  private func omit(_ finished: FinishedRequest, because failure: BatchFailure) {
    display.print("\(finished.source): its output could not be kept, so it has no result; --resume runs it again.")
    stopReading(failure)
    finished.capture?.reset()
    if let payloads, let insightsRecord = finished.record.insightsRecord {
      _ = payloads.enqueue(insightsRecord)
      finished.record.delivery = Delivery(.queued)
    }
    history?.gather(finished.record, inputSHA256: finished.digest.hexadecimal)
    results.leaveOut(finished.ordinal)
  }

  private func finish(_ finished: FinishedRequest) {
    let reported = tally.rejections
    for rejection in finished.record.metrics.rejected.prefix(max(0, Self.rejectionLines - reported)) {
      display.print("\(finished.source): \(rejection)")
    }
    tally.count(finished.record, truncated: finished.capture?.output.isTruncated ?? false)
    results.captures.finished(finished.capture)
    if !pending.add(finished) { write(finished) }
  }

  private func write(_ finished: FinishedRequest) {
    history?.gather(finished.record, inputSHA256: finished.digest.hexadecimal)
    do throws(BatchFailure) { try results.append(finished) } catch { stopWriting(error) }
  }

  // MARK: The end

  /// Notes that the dispatcher has stopped starting jobs.
  private func noteEnd() {
    guard phase == .running else { return }
    if let failures = dispatcher.failuresAtHalt, let halt = settings.halt {
      phase = .ending(.finishing, .halted)
      let failed = HumanFormat.counted(failures, "failed request")
      display.print("halting after \(failed) (--halt-after \(halt)); running ones finish.")
    } else if let failure = executor.failure {
      phase = .ending(.finishing, .executorFailed(failure))
      display.print("no more requests start: \(failure)")
    }
  }

  private func take(signal number: Int32) {
    switch number {
    case SIGUSR1: display.printNow(figures, at: .now())
    case SIGUSR2, SIGWINCH: break
    case SIGTSTP, SIGTTIN, SIGTTOU:
      display.clear()
      supervisor.stopWithChildren(by: number)
    default: interrupt(isUrgent: number == SIGQUIT)
    }
  }

  private func interrupt(isUrgent: Bool) {
    phase.interrupt(isUrgent: isUrgent)
    let running = dispatcher.runningCount
    let requests = HumanFormat.counted(running, "running request")
    switch phase.stage {
    case .finishing:
      display.print(running == 0 ? "interrupted." : "interrupted; \(requests) will finish (once more stops them).")
      dispatcher.finish()
    case .stopping:
      if running > 0 { display.print("stopping \(requests).") }
      dispatcher.stop()
    default: dispatcher.kill()
    }
  }

  /// The list cannot be read any further: running requests finish, and their results are complete.
  private func stopReading(_ failure: BatchFailure) {
    phase.fail(failure, .finishing)
    dispatcher.finish()
  }

  /// Results cannot be written any more: nothing that runs would be of use.
  private func stopWriting(_ failure: BatchFailure) {
    let isStopping = phase.stage.map { $0 >= .stopping } ?? false
    phase.fail(failure, .stopping)
    results.close()
    if !isStopping { dispatcher.stop() }
  }

  // MARK: Figures

  /// Requests that were to run and have no result.
  private var notRun: Int? {
    if intake.hasEnded { return 0 }
    return figures.total.map { max(0, $0 - intake.skipped - tally.finished) }
  }

  private var figures: ProgressText {
    var text = ProgressText()
    text.done = intake.skipped + tally.finished
    text.total = count.total.map { total in settings.limit.map { min(total, intake.skipped + $0) } ?? total }
    text.failed = tally.failed
    text.payloadsWaiting = payloads?.counts.waiting ?? 0
    switch phase.stage {
    case nil: if intake.hasEnded, dispatcher.isIdle { text.note = "delivering payloads" }
    case .finishing: text.note = "\(dispatcher.runningCount) finishing"
    case .stopping, .abandoning: text.note = "\(dispatcher.runningCount) stopping"
    }
    return text
  }
}
