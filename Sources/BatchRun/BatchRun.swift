internal import Glibc
public import ProcessSupervision
public import RunModel
public import RunPipeline

/// Runs every request of a list: the loop that ties slots, delivery and output together.
///
/// ## Theory of operation
///
/// One thread, one loop, nothing that blocks. A request goes through these places, and each place is bounded, so that
/// the size of a list is never the size of anything in memory:
///
///     reader ─► slots (jobs) ─┬─► unsettled (its payload on the way to the disk) ─► [kept order] ─► output
///               ▲             │
///               └── retries ◄─┘
///
/// New requests are taken only while every later place has room; a slow disk or a slow reader of the results slows the
/// start of requests down, never a running child.
public final class BatchRun {
  /// How far the batch is on its way to the end.
  enum Course: Int, Comparable {
    case running
    /// No new requests; running ones finish.
    case finishing
    /// Children are being stopped.
    case stopping
    /// Children were killed, and nobody waits for a reader of the results any more.
    case abandoning

    static func < (left: Course, right: Course) -> Bool { left.rawValue < right.rawValue }
  }

  /// Results that may wait for their payloads or their reader.
  private static let mostPending = 256
  /// Bytes of captured output that may wait with them.
  private static let mostPendingBytes = 1 << 19
  /// Failed requests that may wait for their next attempt: each may hold a file for its input and one for its output.
  private static let mostRetrying = 64
  /// Lines about rejected metrics; the summary counts the others.
  private static let rejectionLines = 20

  let settings: BatchSettings
  let supervisor: Supervisor
  let pipeline: RunPipeline
  let payloads: (any PayloadQueue)?
  let reader: RequestReader
  let display: ProgressDisplay
  let gate: ReadinessGate
  let jobs: Int
  private let started = MonotonicInstant.now()
  private let succeeded: DigestTable?
  private let output: ResultOutput
  private let keptOrder: KeptOrder?
  private let pool: CapturePool
  private var count: RequestCount
  private var tally = BatchTally()
  private var running: [ObjectIdentifier: Attempt] = [:]
  private var retrying = RetryQueue()
  private var unsettled: [UInt64: FinishedRequest] = [:]
  private var nextOrdinal = 0
  private var taken = 0
  private var listHasEnded = false
  private var course = Course.running
  private var cut: BatchSummary.Cut?
  private var failure: BatchFailure?
  private var canWrite = true

  /// Opens requests and output; nothing runs yet.
  ///
  /// - Throws: ``BatchFailure`` for what is wrong with the files, before anything was changed.
  public init(
    settings: BatchSettings, supervisor: Supervisor, pipeline: RunPipeline, payloads: (any PayloadQueue)?
  ) throws(BatchFailure) {
    self.settings = settings
    self.supervisor = supervisor
    self.pipeline = pipeline
    self.payloads = payloads
    display = ProgressDisplay(style: settings.progress, sharesTerminal: settings.output == nil, now: started)
    let sources = try RequestSource.all(settings.files)
    count = RequestCount(sources: sources)
    let prepared = try OutputPreparation(settings: settings)
    succeeded = prepared.succeeded
    for message in prepared.messages { display.say(message) }
    reader = try RequestReader(
      sources: sources, takesEnvelopes: settings.takesEnvelopes, spillDirectory: settings.spillDirectory)
    gate = try ReadinessGate(on: supervisor)
    let pool = CapturePool(outputLimit: settings.outputLimit, spillDirectory: settings.spillDirectory)
    self.pool = pool
    let output = ResultOutput(file: prepared.file) { pool.giveBack($0.capture) }
    self.output = output
    keptOrder =
      settings.keepsOrder
      ? KeptOrder(output: output, spillDirectory: settings.spillDirectory) { pool.giveBack($0.capture) } : nil
    jobs = JobLimit.affordable(settings.jobs)
    if jobs < settings.jobs {
      display.say(
        "running \(jobs) requests at a time, not \(settings.jobs): raise the limit of open files (ulimit -n).")
    }
  }

  /// Runs to the end and drains the payloads.
  ///
  /// - Throws: ``BatchFailure`` where requests or results broke off; everything else is in the summary.
  public func run() throws(BatchFailure) -> BatchSummary {
    while true {
      let isBusy = advance()
      // Asked between the two: with nothing left that could happen, a turn would wait for its deadline.
      if isOver { break }
      handle(supervisor.turn(until: isBusy ? .now() : nextDeadline))
    }
    if let payloads {
      let limit = cut == .interrupted ? min(PayloadDrain.afterInterrupt, settings.drainLimit) : settings.drainLimit
      let drain = PayloadDrain(payloads: payloads, supervisor: supervisor, display: display)
      if drain.run(limit: limit, figures: { _ in figures }) { cut = .interrupted }
    }
    display.clear()
    // Once, and not for each: where the program is missing, every request says the same.
    for line in tally.unstarted.lines { display.say(line) }
    if let failure { throw failure }
    return BatchSummary(
      algorithm: settings.version.reference, tally: tally, cut: cut,
      elapsed: MonotonicInstant.now().duration(since: started), payloads: payloads?.counts ?? .none)
  }

  // MARK: One turn

  /// Does what can be done now.
  ///
  /// - Returns: Whether there is more to do at once.
  private func advance() -> Bool {
    settle()
    var isBusy = startRequests()
    let wasFull = !canStart
    if canWrite {
      do throws(BatchFailure) {
        switch try output.pump() {
        case .idle: break
        case .more: isBusy = true
        case .blocked(let descriptor):
          guard course < .abandoning else { throw .outputReaderGone }
          gate.waitToWrite(descriptor)
        }
      } catch { stopWriting(error) }
    }
    // Writing made room again: no event is going to say so, and with no child running nothing else would wake the loop.
    if wasFull, canStart { isBusy = true }
    if !unsettled.isEmpty, let payloads { gate.waitToRead(payloads.settledDescriptor) }
    if !count.isOver, !display.isSilent || settings.halt != nil { count.advance() }
    display.update(figures, at: .now())
    return isBusy
  }

  private func handle(_ events: [Supervisor.Event]) {
    for event in events {
      switch event {
      case .ended(let child):
        guard let attempt = running.removeValue(forKey: ObjectIdentifier(child)) else { continue }
        ended(attempt)
      case .signal(let number): take(signal: number)
      case .readable(let token): gate.clear(if: token)
      }
    }
  }

  private var isOver: Bool {
    guard running.isEmpty, retrying.isEmpty, listHasEnded || course > .running else { return false }
    return !canWrite || unsettled.isEmpty && output.isIdle
  }

  private var nextDeadline: MonotonicInstant? {
    let retry = running.count < jobs ? retrying.nextDue : nil
    guard let update = display.nextDeadline else { return retry }
    return min(update, retry ?? update)
  }

  private var figures: ProgressText {
    var text = ProgressText()
    text.done = tally.skipped + tally.finished
    text.total = count.total.map { total in settings.limit.map { min(total, tally.skipped + $0) } ?? total }
    text.failed = tally.failed
    text.payloadsWaiting = payloads?.counts.waiting ?? 0
    switch course {
    case .running where listHasEnded && running.isEmpty && retrying.isEmpty: text.note = "delivering payloads"
    case .running: break
    case .finishing: text.note = "\(running.count) finishing"
    case .stopping, .abandoning: text.note = "\(running.count) stopping"
    }
    return text
  }

  // MARK: Starting

  private func startRequests() -> Bool {
    startRetries()
    // A bounded number at once: reading a list of skipped or unusable requests must not keep the loop from children.
    for _ in 0..<256 {
      guard canStart else { return false }
      if let limit = settings.limit, taken >= limit { listHasEnded = true }
      guard !listHasEnded else { return false }
      do throws(BatchFailure) {
        switch try reader.next() {
        case .request(let request): try take(request)
        case .again: return true
        case .wait(let descriptor):
          gate.waitToRead(descriptor)
          return false
        case .end: listHasEnded = true
        }
      } catch { stopReading(error) }
    }
    return true
  }

  private var canStart: Bool { course == .running && !listHasEnded && hasRoom }

  private var hasRoom: Bool {
    running.count < jobs && retrying.count < Self.mostRetrying
      && unsettled.count + output.backlog < Self.mostPending && pool.pendingBytes < Self.mostPendingBytes
      && keptOrder?.admits(nextOrdinal) != false
  }

  private func take(_ request: Request) throws(BatchFailure) {
    if let succeeded, request.problem == nil, try succeeded.count(request.key) > 0 {
      tally.skipped += 1
      return
    }
    taken += 1
    defer { nextOrdinal += 1 }
    if let problem = request.problem {
      let record = ExecutionRecord.unstarted(
        requestID: request.requestID ?? RequestID.random(), settings.version, attempts: 0, because: problem)
      finish(FinishedRequest(request: request, ordinal: nextOrdinal, record: record, capture: nil))
    } else {
      launch(Attempt(request: request, ordinal: nextOrdinal, capture: pool.take()))
    }
  }

  private func startRetries() {
    while running.count < jobs, let attempt = retrying.take(at: .now(), all: course > .running) {
      // Whoever is asked to finish starts nothing: the last attempt stands.
      if course > .running, let record = attempt.record {
        finish(attempt, record)
      } else {
        tally.retries += 1
        launch(attempt)
      }
    }
  }

  private func launch(_ attempt: Attempt) {
    if let unstarted = attempt.launch(by: pipeline, settings) {
      if unstarted.isPassing, retry(attempt, after: unstarted.record) { return }
      return finish(attempt, unstarted.record)
    }
    if let child = attempt.run?.child { running[ObjectIdentifier(child)] = attempt }
  }

  // MARK: Finishing

  private func ended(_ attempt: Attempt) {
    guard let run = attempt.run else { return }
    attempt.run = nil
    let record = pipeline.finish(run, attempts: attempt.number)
    if record.outcome != .succeeded, retry(attempt, after: record) { return }
    finish(attempt, record)
  }

  /// Puts a failed attempt aside for another one, if it has one left.
  private func retry(_ attempt: Attempt, after record: ExecutionRecord) -> Bool {
    guard attempt.number <= settings.retries, course == .running else { return false }
    attempt.record = record
    retrying.add(attempt, backoff: Backoff(first: settings.retryDelay))
    return true
  }

  private func finish(_ attempt: Attempt, _ record: ExecutionRecord) {
    finish(
      FinishedRequest(request: attempt.request, ordinal: attempt.ordinal, record: record, capture: attempt.capture))
  }

  private func finish(_ finished: FinishedRequest) {
    report(finished)
    tally.count(finished.record, truncated: finished.capture?.output.isTruncated ?? false)
    pool.finished(finished.capture)
    if course == .running, let halt = settings.halt,
      halt.isMet(failed: tally.failed, finished: tally.finished, total: count.total)
    {
      (course, cut) = (.finishing, .halted)
      display.say("halting after \(tally.failed) failed requests (--halt-after \(halt.words)); running ones finish.")
    }
    guard let payloads, let publication = pipeline.publication(of: finished.record) else { return emit(finished) }
    // From here on the queue holds the payload; a result line has none.
    finished.record.payload = nil
    unsettled[payloads.enqueue(publication)] = finished
  }

  private func report(_ finished: FinishedRequest) {
    let before = tally.rejections
    for (offset, rejection) in finished.record.metrics.rejected.enumerated()
    where before + offset < Self.rejectionLines {
      display.say("\(finished.source): \(rejection)")
    }
    if let failure = finished.capture?.output.failure { display.say("\(finished.source): \(failure)") }
  }

  private func settle() {
    guard !unsettled.isEmpty, let payloads else { return }
    for settled in payloads.takeSettled() {
      guard let finished = unsettled.removeValue(forKey: settled.ticket) else { continue }
      finished.record.delivery = settled.delivery
      emit(finished)
    }
  }

  private func emit(_ finished: FinishedRequest) {
    guard let keptOrder else { return output.append(finished) }
    do throws(BatchFailure) { try keptOrder.take(finished) } catch { stopWriting(error) }
  }

  // MARK: Stopping

  private func take(signal number: Int32) {
    switch number {
    case SIGUSR1: display.sayNow(figures, at: .now())
    case SIGUSR2, SIGWINCH: break
    case SIGQUIT where course < .stopping: stopChildren()
    default:
      if course == .running || course == .finishing && cut != .interrupted {
        (course, cut) = (.finishing, .interrupted)
        display.say(
          running.isEmpty
            ? "interrupted." : "interrupted; \(running.count) running requests finish (once more stops them).")
      } else if course < .stopping {
        stopChildren()
      } else {
        course = .abandoning
        for attempt in running.values { attempt.run?.child.killNow() }
      }
    }
  }

  private func stopChildren() {
    (course, cut) = (.stopping, .interrupted)
    if !running.isEmpty { display.say("stopping \(running.count) running requests.") }
    for attempt in running.values { attempt.run?.child.stop() }
  }

  /// The list broke off: running requests finish, and their results are complete.
  private func stopReading(_ reason: BatchFailure) {
    failure = failure ?? reason
    cut = cut ?? .broken
    course = max(course, .finishing)
  }

  /// Results cannot be written any more: nothing that runs would be of use.
  private func stopWriting(_ reason: BatchFailure) {
    failure = failure ?? reason
    cut = cut ?? .broken
    canWrite = false
    retrying.clear()
    guard course < .stopping else { return }
    course = .stopping
    for attempt in running.values { attempt.run?.child.stop() }
  }
}
