// SPDX-License-Identifier: Apache-2.0
public import BatchRun
public import Execution
internal import Glibc
public import KafkaClient
public import Platform
public import ProcessSupervision
internal import RequestDispatch
public import RunModel

/// One member of a group: requests from a topic through a dispatcher to results, payloads and offsets in one
/// transaction.
///
/// ## Theory of operation
///
///     GroupMember ─► RequestQueue ─► Dispatcher ─► answers ─► AnswerWriter ─► GroupMember
///      (thread)                                                               (one transaction)
///
/// One loop, as in a batch; the thread of ``GroupMember`` does what waits for brokers. An answer is kept until its
/// commit is known: if the transaction is aborted, its records are produced again, and nothing runs again. The
/// metadata of a partition is taken at the moment at which the records are: both are written together or not at all.
public final class ConsumeRun {
  /// Units of room for requests that wait: 16 MiB.
  static let room = 4096
  /// Answers that may wait for their commit, whatever their size.
  static let mostAnswers = 20_000
  static let commitBytes = 8 << 20
  static let abortPause = Duration.milliseconds(100)
  static let rejectionLines = 20
  /// Requests that wait in a partition that is blocked, before no more of it is read.
  static let blockedWaiting = 256
  static let mostFailedStarts = 5
  /// Time for the last commit, once all requests have ended.
  static let commitPatience = Duration.seconds(10)
  /// Time for the last requests and their commit, after the time for running requests.
  static let endPatience = Duration.seconds(30)
  /// Time for the group to let this member go, and more: the member's thread waits less.
  static let leavePatience = Duration.seconds(15)
  /// A call of the library that lasts longer, by more than its own limit, does not end.
  static let callPatience = Duration.seconds(30)
  /// A process that stood still itself finds its call late: it looks again after this time.
  static let secondLook = Duration.seconds(5)
  static let callCheck = Duration.seconds(1)
  static let endCheck = Duration.milliseconds(250)

  let settings: ConsumeSettings
  let loop: EventLoop
  let supervisor: Supervisor
  let executor: any Executor
  let dispatcher: Dispatcher
  let member: GroupMember
  let payloads: (any PayloadQueue)?
  let identity: RequestIdentity
  let openJournal: () -> InFlightJournal?
  var journal: InFlightJournal?
  /// Takes the record of each request; nil if no history is kept.
  public var history: (any ExecutionLog)?
  private var lateReport = LateReport()
  let display: ProgressDisplay
  let queue: RequestQueue
  let store: ResultStore
  var writer: AnswerWriter
  var running: [JobID: IncomingRequest] = [:]
  /// Answers whose payload is not durable in the outbox yet.
  var storing: [UInt64: Answer] = [:]
  var lostAnswers = LostAnswers()
  /// Answers for the next transaction.
  var answers: [Answer] = []
  var answerBytes = 0
  /// Dead letters of what cannot be read.
  var extra: [(partition: Int32, record: OutgoingRecord)] = []
  var writing: Commit?
  /// How often partitions were lost.
  var losses = 0
  var commitDue: MonotonicInstant?
  var drainEnd: MonotonicInstant?
  /// Since when no request runs, while draining.
  var quietSince: MonotonicInstant?
  var leftAt: MonotonicInstant?
  var lateCallSince: MonotonicInstant?
  var leaveReason: ConsumeEnd?
  var isLeaving = false
  var end: ConsumeEnd?
  var failedStarts = 0
  var startsPausedUntil: MonotonicInstant?
  var ends: [Int32: Int64]
  var isComparing = false
  var nextComparison = MonotonicInstant.now()
  var lastTrouble: KafkaCause?
  /// Whether the member has found out that it can work, and joins its group.
  var isReady = false
  /// The stage whose answer it waits for before that, as far as that was reported.
  var waitsFor: String?
  var figures = ConsumeFigures()
  /// Where partitions end, as far as their ends were reached.
  var knownEnds: [Int32: Int64] = [:]
  var metricsService: MetricsService?

  /// - Parameters:
  ///   - consumer: the member's consumer, which has not joined yet.
  ///   - ends: where each partition ended at the start, for a member that ends there.
  ///   - journalPath: gives the file of requests in flight once this process may use it.
  /// - Throws: the system's error if it has no thread or descriptor left.
  public init(
    settings: ConsumeSettings, connection: ProducerSettings, consumer: GroupConsumer, plan: OutputPlan,
    ends: [Int32: Int64], loop: EventLoop, supervisor: Supervisor, executor: any Executor,
    payloads: (any PayloadQueue)?, progress: ProgressStyle, journalPath: @escaping () -> String?
  ) throws(SystemError) {
    self.settings = settings
    self.loop = loop
    self.supervisor = supervisor
    self.executor = executor
    self.payloads = payloads
    self.ends = ends
    dispatcher = Dispatcher(executor: executor, retries: settings.retries)
    identity = RequestIdentity(clusterID: plan.clusterID, topic: settings.group.topic)
    openJournal = { journalPath().flatMap { try? InFlightJournal(path: $0) } }
    display = ProgressDisplay(style: progress, sharesTerminal: false, now: .now())
    queue = RequestQueue(settings)
    store = ResultStore(directory: settings.spillDirectory)
    writer = AnswerWriter(settings, plan)
    member = try GroupMember(
      settings, connection, consumer, outputs: plan.limits, room: Self.room, waking: loop)
  }

  /// Runs until a signal, the end of the topic, or something that ends it.
  public func run() -> ConsumeEnd {
    while end == nil {
      advance()
      if end != nil { break }
      loop.turn(until: nextDue)
      metricsService?.advance()
      for signal in supervisor.takeSignals() { take(signal: signal.number) }
      for notice in executor.takeNotices() { display.print(notice) }
      if let line = lateReport.due(executor.lateMetrics) { display.print(line) }
    }
    if case .counts = writing?.step { countAnswers(atMost: .max) }
    if end?.status != 0 { dispatcher.kill() }
    executor.close()
    while end?.status == 0, !executor.isClosed {
      _ = executor.takeCompletions()
      if executor.isClosed { break }
      loop.turn(until: .now() + .milliseconds(100))
      if !supervisor.takeSignals().isEmpty { break }
    }
    metricsService?.close()
    display.clear()
    return end ?? .done
  }

  func advance() {
    for event in member.takeEvents() { take(event) }
    takeCompletions()
    for payload in payloads?.takeDurable() ?? [] {
      if let answer = storing.removeValue(forKey: payload.ticket) { add(answer) }
    }
    let now = MonotonicInstant.now()
    releasePartitions(at: now)
    startRequests(at: now)
    journal?.flush()
    write(at: now)
    continueCommit()
    adjustReading()
    checkEnd(at: now)
    drain(at: now)
    checkCall(at: now)
    lostAnswers.takeExpired(at: now).forEach(forget)
    display.update(progress, at: now)
  }

  var nextDue: MonotonicInstant? {
    var first = dispatcher.nextDue
    func consider(_ moment: MonotonicInstant?) {
      if let moment { first = min(moment, first ?? moment) }
    }
    consider(queue.nextDue)
    consider(drainDue)
    consider(startsPausedUntil)
    consider(display.nextDeadline)
    consider(metricsService?.nextDue)
    switch writing?.step {
    case nil: consider(commitDue)
    case .brokers: consider(.now() + Self.callCheck)
    case .records, .counts: consider(.now())
    }
    for partition in queue.partitions where !partition.isStopped { consider(partition.leavesAt) }
    if settings.endsAtEnd { consider(.now() + Self.endCheck) }
    return first
  }
}
