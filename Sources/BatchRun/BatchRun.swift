public import Execution
internal import Glibc
public import Platform
public import ProcessSupervision
public import RunModel

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
///
/// Here is the loop; the way of one request through it is in RequestCourse.swift, and how a batch ends before its list
/// does in BatchCourse.swift.
public final class BatchRun {
  let settings: BatchSettings
  let loop: EventLoop
  let supervisor: Supervisor
  let executor: any Executor
  let payloads: (any PayloadQueue)?
  let reader: RequestReader
  let display: ProgressDisplay
  let requestGate: ReadinessGate
  private let outputGate: ReadinessGate
  private let payloadGate: (gate: ReadinessGate, descriptor: Descriptor)?
  private let started = MonotonicInstant.now()
  let succeeded: DigestTable?
  let output: ResultOutput
  let keptOrder: KeptOrder?
  let pool: CapturePool
  var count: RequestCount
  var tally = BatchTally()
  var running: [ExecutionID: Attempt] = [:]
  var retrying = RetryQueue()
  var unsettled: [UInt64: FinishedRequest] = [:]
  var nextOrdinal = 0
  var taken = 0
  var listHasEnded = false
  var course = BatchCourse.running
  var cut: BatchSummary.Cut?
  var failure: BatchFailure?
  var canWrite = true

  /// Opens requests and output; nothing runs yet.
  ///
  /// - Throws: ``BatchFailure`` for what is wrong with the files, before anything was changed.
  public init(
    settings: BatchSettings, loop: EventLoop, supervisor: Supervisor, executor: any Executor,
    payloads: (any PayloadQueue)?
  ) throws(BatchFailure) {
    self.settings = settings
    self.loop = loop
    self.supervisor = supervisor
    self.executor = executor
    self.payloads = payloads
    display = ProgressDisplay(style: settings.progress, sharesTerminal: settings.output == nil, now: started)
    let sources = try RequestSource.all(settings.files)
    count = RequestCount(sources: sources)
    let prepared = try OutputPreparation(settings: settings, supervisor: supervisor)
    succeeded = prepared.succeeded
    for message in prepared.messages { display.say(message) }
    reader = try RequestReader(
      sources: sources, takesEnvelopes: settings.takesEnvelopes, spillDirectory: settings.spillDirectory)
    requestGate = ReadinessGate(for: .read, on: loop)
    outputGate = ReadinessGate(for: .write, on: loop)
    payloadGate = payloads.map { (ReadinessGate(for: .read, on: loop), Descriptor(lending: $0.durableDescriptor)) }
    supervisor.watchStopRequests()
    let pool = CapturePool(outputLimit: settings.outputLimit, spillDirectory: settings.spillDirectory)
    self.pool = pool
    let output = ResultOutput(file: prepared.file) { pool.giveBack($0.capture) }
    self.output = output
    keptOrder =
      settings.keepsOrder
      ? KeptOrder(output: output, spillDirectory: settings.spillDirectory) { pool.giveBack($0.capture) } : nil
    let slots = executor.freeSlots
    if slots < settings.jobs {
      display.say(
        "running \(Figures.counted(slots, "request")) at a time, not \(settings.jobs): raise the limit of open files "
          + "(ulimit -n).")
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
      loop.turn(until: isBusy ? .now() : nextDeadline)
      for signal in supervisor.takeSignals() { take(signal: signal.number) }
      for completion in executor.takeCompletions() {
        if let attempt = running.removeValue(forKey: completion.id) { ended(attempt, completion.record) }
      }
    }
    let ran = MonotonicInstant.now()
    if let payloads {
      let limit = cut == .interrupted ? min(PayloadDrain.afterInterrupt, settings.drainLimit) : settings.drainLimit
      let drain = PayloadDrain(payloads: payloads, loop: loop, supervisor: supervisor, display: display)
      if drain.run(limit: limit, figures: { _ in figures }) { cut = .interrupted }
    }
    display.clear()
    // Once, and not for each: where the program is missing, every request says the same.
    for line in tally.unstarted.lines { display.say(line) }
    if let failure { throw failure }
    try output.verify()
    return BatchSummary(
      algorithm: settings.version.reference, tally: tally, cut: cut, notRun: notRun,
      canResume: settings.output != nil, elapsed: ran.duration(since: started),
      drained: MonotonicInstant.now().duration(since: ran), payloads: payloads?.counts ?? .none)
  }

  /// Requests that were to run and have no result.
  private var notRun: Int? {
    if listHasEnded { return 0 }
    return figures.total.map { max(0, $0 - tally.skipped - tally.finished) }
  }

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
          outputGate.wait(for: descriptor)
        }
      } catch { stopWriting(error) }
    }
    // Writing made room again: no event is going to say so, and with no child running nothing else would wake the loop.
    if wasFull, canStart { isBusy = true }
    if !unsettled.isEmpty, let (gate, descriptor) = payloadGate { gate.wait(for: descriptor) }
    if !count.isOver, !display.isSilent || settings.halt != nil { count.advance() }
    display.update(figures, at: .now())
    return isBusy
  }

  private var isOver: Bool {
    guard running.isEmpty, retrying.isEmpty, listHasEnded || course > .running else { return false }
    return !canWrite || unsettled.isEmpty && output.isIdle
  }

  private var nextDeadline: MonotonicInstant? {
    let retry = executor.freeSlots > 0 ? retrying.nextDue : nil
    guard let update = display.nextDeadline else { return retry }
    return min(update, retry ?? update)
  }

  var figures: ProgressText {
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
}
