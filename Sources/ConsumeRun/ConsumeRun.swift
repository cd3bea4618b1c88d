// SPDX-License-Identifier: Apache-2.0
public import BatchRun
public import Execution
internal import Glibc
public import KafkaClient
public import Platform
public import ProcessSupervision
internal import RequestDispatch
public import RunModel

/// One member of a group: requests from a topic through a dispatcher to results, payloads and offsets in one transaction.
///
/// ## Theory of operation
///
///     GroupMember ─► RequestQueue ─► Dispatcher ─► answers ─► AnswerWriter ─► GroupMember
///      (thread)                                                               (one transaction)
///
/// One loop, as in a batch; the thread of ``GroupMember`` does what waits for brokers. An answer is kept until its commit
/// is known: if the transaction is aborted, its records are produced again, and nothing runs again. What a commit says of
/// a partition is taken at the moment at which the records are: both are written together or not at all.
public final class ConsumeRun {
  /// Units of room for requests that wait: 16 MiB.
  private static let room = 4096
  /// Answers that may wait for their commit, whatever their size.
  private static let mostAnswers = 20_000
  private static let commitBytes = 8 << 20
  private static let abortPause = Duration.milliseconds(100)
  private static let rejectionLines = 20
  /// Requests that wait in a partition that is blocked, before no more of it is read.
  private static let blockedWaiting = 256
  private static let mostFailedStarts = 5
  /// Time for the last commit after the time for running requests.
  private static let commitPatience = Duration.seconds(30)
  private static let endCheck = Duration.milliseconds(250)

  let settings: ConsumeSettings
  private let loop: EventLoop
  private let supervisor: Supervisor
  private let executor: any Executor
  private let dispatcher: Dispatcher
  private let member: GroupMember
  private let payloads: (any PayloadQueue)?
  private let identity: RequestIdentity
  private let openJournal: () -> InFlightJournal?
  private var journal: InFlightJournal?
  /// Takes the record of each request; nil if no history is kept.
  public var history: (any ExecutionLog)?
  private let display: ProgressDisplay
  let queue: RequestQueue
  private let store: ResultStore
  private var writer: AnswerWriter
  private var running: [JobID: IncomingRequest] = [:]
  /// Answers whose payload is not durable in the outbox yet.
  private var storing: [UInt64: Answer] = [:]
  /// Answers for the next transaction.
  private var answers: [Answer] = []
  private var answerBytes = 0
  private var extra: [OutgoingRecord] = []
  private var writing: (answers: [Answer], extra: [OutgoingRecord], offsets: [PartitionOffset])?
  private var commitDue: MonotonicInstant?
  private var drainEnd: MonotonicInstant?
  private var leaveReason: ConsumeEnd?
  private var isLeaving = false
  private var end: ConsumeEnd?
  private var failedStarts = 0
  private var startsPausedUntil: MonotonicInstant?
  private var ends: [Int32: Int64]
  private var isComparing = false
  private var nextComparison = MonotonicInstant.now()
  private var lastTrouble: KafkaCause?
  private(set) var figures = ConsumeFigures()

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
      for signal in supervisor.takeSignals() { take(signal: signal.number) }
      for notice in executor.takeNotices() { display.say(notice) }
    }
    if end?.status != 0 { dispatcher.kill() }
    executor.close()
    while end?.status == 0, !executor.isClosed {
      _ = executor.takeCompletions()
      if executor.isClosed { break }
      loop.turn(until: .now() + .milliseconds(100))
      if !supervisor.takeSignals().isEmpty { break }
    }
    display.clear()
    return end ?? .done
  }

  /// Prints a message without tearing the progress.
  public func say(_ message: String) { display.say(message) }

  private func advance() {
    for event in member.takeEvents() { take(event) }
    takeCompletions()
    for payload in payloads?.takeDurable() ?? [] {
      if let answer = storing.removeValue(forKey: payload.ticket) { add(answer) }
    }
    let now = MonotonicInstant.now()
    releasePartitions(at: now)
    startRequests(at: now)
    write(at: now)
    adjustReading()
    checkEnd(at: now)
    drain(at: now)
    display.update(progress, at: now)
  }

  private var nextDue: MonotonicInstant? {
    var moments = [dispatcher.nextDue, queue.nextDue, drainEnd, startsPausedUntil, display.nextDeadline]
    if writing == nil { moments.append(commitDue) }
    moments += queue.partitions.map { $0.isStopped ? nil : $0.leavesAt }
    if settings.endsAtEnd { moments.append(.now() + Self.endCheck) }
    return moments.compactMap(\.self).min()
  }

  // MARK: Events of the group

  private func take(_ event: MemberEvent) {
    switch event {
    case .ready: break
    case .assigned(let partitions):
      figures.rebalances += 1
      for partition in partitions { add(partition) }
    case .revoked(let partitions, let areLost): revoke(partitions, areLost: areLost)
    case .messages(let messages):
      if lastTrouble.take() != nil { display.say("the brokers answer again") }
      for message in messages { receive(message) }
    case .end(let place): reachEnd(place)
    case .unreadable(let place, let cause): skip(place, because: cause)
    case .lost(let partition, let committed, let first): lost(partition, committed, first)
    case .written(let span): written(in: span)
    case .aborted(let cause): aborted(because: cause)
    case .limits(let limits): writer.plan.take(limits)
    case .reached(let isReached):
      isComparing = false
      if isReached { leave(.done) }
    case .trouble(let cause):
      if lastTrouble == nil { display.say("Kafka: \(cause.text)") }
      lastTrouble = cause
    case .ended(let reason): ended(reason)
    }
  }

  private func add(_ assigned: AssignedPartition) {
    let partition = PartitionWork(topic: settings.group.topic, assigned)
    if settings.endsAtEnd { partition.end = ends[partition.number] ?? 0 }
    queue.add(partition)
    // The next member then begins here, too.
    if !assigned.isCommitted { scheduleCommit() }
    if journal == nil { journal = openJournal() }
    journal?.forget(partition: partition.number, before: partition.progress.base)
  }

  private func revoke(_ partitions: [Int32], areLost: Bool) {
    figures.rebalances += 1
    for number in partitions {
      guard let partition = queue[number] else { continue }
      for request in partition.takeWaiting() { drop(request) }
      partition.leavesAt = .now() + settings.drain
      guard areLost else { continue }
      // Another member may run the same requests already.
      for (job, request) in running where request.partition === partition {
        abandon(request)
        dispatcher.kill(job)
      }
      discard { $0.request.partition === partition }
      queue.remove(partition)
    }
  }

  private func receive(_ message: ConsumedMessage) {
    guard let partition = queue[message.partition], !partition.isLeaving, drainEnd == nil else {
      return member.giveBack(GroupMember.units(message.size))
    }
    if let end = partition.end, message.offset >= end {
      member.giveBack(GroupMember.units(message.size))
      return reachEnd(PartitionOffset(partition: message.partition, offset: end))
    }
    switch partition.progress.deliver(message.offset) {
    case .repeated: member.giveBack(GroupMember.units(message.size))
    case .done:
      figures.redelivered += 1
      member.giveBack(GroupMember.units(message.size))
      scheduleCommit()
    case .run:
      let past = journal?.past(partition: message.partition, offset: message.offset) ?? .none
      queue.add(
        IncomingRequest(
          message, id: id(of: message), partition: partition, captureLimit: writer.plan.captureLimit,
          orderKey: queue.keepsKeys ? message.key : nil, history: past), to: partition)
    }
  }

  private func id(of message: ConsumedMessage) -> String {
    for header in ["algo_request_id", "ce_id"] {
      if let id = message.text(header), RequestID.problem(with: id) == nil { return id }
    }
    return identity.id(partition: message.partition, offset: message.offset)
  }

  private func drop(_ request: IncomingRequest) {
    queue.dropped(request)
    member.giveBack(GroupMember.units(request.message.size))
  }

  private func reachEnd(_ place: PartitionOffset) {
    guard let partition = queue[place.partition] else { return }
    partition.progress.reachEnd(partition.end.map { min($0, place.offset) } ?? place.offset)
    if partition.isDirty { scheduleCommit() }
  }

  /// What stands at this offset cannot be read.
  private func skip(_ place: PartitionOffset, because cause: KafkaCause) {
    guard let partition = queue[place.partition], partition.progress.deliver(place.offset) == .run else { return }
    let shown = "\(settings.group.topic)/\(place.partition)/\(place.offset)"
    display.say("\(shown) cannot be read: \(cause.text)")
    if settings.stopsOnFailure {
      return leave(
        ConsumeEnd(
          status: 1, sentence: "stopped at \(shown), which cannot be read; see docs/scale-out.md, Stuck partition."))
    }
    if let record = writer.deadLetter(of: place, in: settings.group.topic, because: cause) {
      extra.append(record)
      figures.deadLetters += 1
    }
    partition.progress.complete(place.offset)
    scheduleCommit()
    member.send(.skip(PartitionOffset(partition: place.partition, offset: place.offset + 1)))
  }

  private func lost(_ partition: Int32, _ committed: Int64, _ first: Int64?) {
    let count = first.map { "\(max(0, $0 - committed)) requests" } ?? "requests"
    leave(
      ConsumeEnd(
        status: 1,
        sentence: "\(count) of partition \(partition) were deleted from topic \(settings.group.topic) before they ran "
          + "(committed offset \(committed), first offset \(first.map { "\($0)" } ?? "unknown")); keep requests for longer "
          + "(retention.ms), and pass --start earliest to go on with what is left."))
  }

  private func ended(_ reason: MemberEnd) {
    switch reason {
    case .left: end = leaveReason ?? .done
    case .cannotStart(let stage, let text):
      end = ConsumeEnd(status: 78, sentence: "\(stage): \(text); see `algo-run connection test`.")
    case .fenced(let cause):
      let name = settings.group.instance.map { "instance \"\($0)\"" } ?? "this member"
      end = ConsumeEnd(
        status: 75,
        sentence: "another process took the place of \(name) in group \(settings.group.group) (\(cause.text)); give each "
          + "process an --instance of its own.")
    case .fatal(let cause):
      end = ConsumeEnd(
        status: leaveReason?.status ?? 1,
        sentence: leaveReason?.sentence ?? "Kafka: \(cause.text); nothing is lost, start it again.")
    }
  }

  // MARK: Executions

  private func startRequests(at now: MonotonicInstant) {
    guard drainEnd == nil, !isLeaving, startsPausedUntil.map({ $0 <= now }) ?? true else { return }
    startsPausedUntil = nil
    while dispatcher.hasRoom, answers.count + (writing?.answers.count ?? 0) < Self.mostAnswers,
      let request = queue.take(at: now)
    {
      start(request)
    }
  }

  private func start(_ request: IncomingRequest) {
    member.giveBack(GroupMember.units(request.message.size))
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
  private func refuse(_ request: IncomingRequest) {
    queue.ended(request)
    let record = ExecutionRecord.failedToStart(
      requestID: request.id, version: settings.version, attempts: request.history.attempts, at: WallClock.now(),
      reason: "algo-run died \(request.history.crashes) times while it ran this request alone; it is not run again")
    journal?.forget(partition: request.partition.number, before: request.offset + 1)
    answer(request, record, deadReason: .crashedSupervisor)
  }

  private func takeCompletions() {
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

  private func leaveUnable(because reason: String) {
    leave(
      ConsumeEnd(
        status: 1,
        sentence: "the algorithm cannot be started on this host, so its partitions go to other members: \(reason)"))
  }

  /// Whether a request ended because this member ends, with attempts left.
  private func isCutShort(_ record: ExecutionRecord) -> Bool {
    guard !dispatcher.isRunning else { return record.outcome == .canceled }
    return record.outcome == .canceled || record.outcome != .succeeded && record.attempts <= settings.retries.limit
  }

  /// Says nothing of the request: another host may be healthy.
  private func failedToStart(_ request: IncomingRequest, _ record: ExecutionRecord) {
    failedStarts += 1
    request.isAbandoned = true
    guard case .failedToStart(let reason, _) = record.ending else { return }
    if failedStarts >= Self.mostFailedStarts { return leaveUnable(because: reason) }
    display.say("\(request.source) could not be started and is tried again: \(reason)")
    startsPausedUntil = .now() + .seconds(1) * (1 << (failedStarts - 1))
    request.isAbandoned = false
    queue.add(request.again(), to: request.partition)
  }

  private func ended(_ request: IncomingRequest, _ record: ExecutionRecord) {
    for rejection in record.metrics.rejected {
      figures.rejections += 1
      if figures.rejections <= Self.rejectionLines { display.say("\(request.source): \(rejection)") }
    }
    if record.outcome != .succeeded, settings.stopsOnFailure {
      request.isAbandoned = true
      return leave(
        ConsumeEnd(
          status: 1,
          sentence: "stopped at the first failed request, \(request.source) (\(record.outcome.rawValue)), whose offset is "
            + "not committed; correct the algorithm and start it again, or pass --on-failure record."))
    }
    answer(request, record, deadReason: record.outcome == .succeeded ? nil : .failed)
  }

  private func answer(_ request: IncomingRequest, _ record: ExecutionRecord, deadReason: Answer.DeadReason?) {
    let capture = request.capture
    let input = request.message.value ?? []
    let answer = Answer(
      request, record, result: capture.isCut ? nil : store.keep(capture.bytes), resultSize: capture.count,
      deadReason: deadReason, inputSHA256: input.withUnsafeBytes { SHA256.digest(of: $0).hexadecimal })
    request.partition.uncommitted += 1
    if let payloads, let insights = record.insightsRecord {
      storing[payloads.enqueue(insights)] = answer
    } else {
      add(answer)
    }
  }

  /// The answer may be written.
  private func add(_ answer: Answer) {
    guard !answer.request.isAbandoned else { return forget(answer) }
    answer.request.partition.progress.complete(answer.request.offset)
    answers.append(answer)
    answerBytes += answer.result?.count ?? 0
    scheduleCommit()
  }

  // MARK: Commits

  private func scheduleCommit() { commitDue = commitDue ?? .now() + settings.commitInterval }

  private func write(at now: MonotonicInstant) {
    guard writing == nil, !isLeaving, let due = commitDue else { return }
    let isFull = answers.count >= settings.commitCount || answerBytes >= Self.commitBytes
    let isLast = drainEnd != nil || queue.partitions.contains { $0.isLeaving }
    let isQuiet = isLast && running.isEmpty && storing.isEmpty
    guard due <= now || isFull || isQuiet else { return }
    commitDue = nil
    let offsets = queue.partitions.filter { $0.isDirty }.map { partition in
      var offset = partition.offset
      if settings.dropsInheritedMap { offset.metadata = "" }
      return offset
    }
    guard !offsets.isEmpty || !answers.isEmpty || !extra.isEmpty else { return }
    var records = extra
    do throws(SystemError) {
      for answer in answers { records += try writer.records(of: answer) }
    } catch {
      return leave(
        ConsumeEnd(status: 125, sentence: "results cannot be read back (\(error)); check the disk of $TMPDIR."))
    }
    writing = (answers, extra, offsets)
    (answers, extra, answerBytes) = ([], [], 0)
    member.send(.write(records, offsets))
  }

  private func written(in span: Duration) {
    guard let done = writing.take() else { return }
    if lastTrouble.take() != nil { display.say("the brokers answer again") }
    figures.commits += 1
    figures.commitTime += span
    figures.lastCommit = span
    for offset in done.offsets { queue[offset.partition]?.committed = offset }
    for answer in done.answers {
      let record = answer.record
      figures.committed += 1
      figures.outcomes[record.outcome, default: 0] += 1
      if record.outcome != .succeeded { figures.failed += 1 }
      if answer.deadReason != nil, writer.plan.deadLetters != nil { figures.deadLetters += 1 }
      if record.insightsRecord != nil {
        answer.record.delivery = Delivery(payloads == nil ? .delivered : .queued)
      }
      history?.append(answer.record, inputSHA256: answer.inputSHA256)
      forget(answer)
    }
    if queue.partitions.contains(where: \.isDirty) { scheduleCommit() }
  }

  /// Nothing of it was written: all of it goes into the next transaction.
  private func aborted(because cause: KafkaCause) {
    figures.aborts += 1
    guard let done = writing.take() else { return }
    let kept = done.answers.filter { !$0.request.isAbandoned }
    for answer in done.answers where answer.request.isAbandoned { forget(answer) }
    answers = kept + answers
    extra = done.extra + extra
    answerBytes = answers.reduce(0) { $0 + ($1.result?.count ?? 0) }
    display.say("a transaction was aborted and is written again: \(cause.text)")
    commitDue = .now() + Self.abortPause
  }

  private func forget(_ answer: Answer) {
    answer.request.partition.uncommitted -= 1
    if let result = answer.result { store.release(result) }
  }

  private func abandon(_ request: IncomingRequest) { request.isAbandoned = true }

  /// Answers of a partition that another member owns by now.
  private func discard(where isGone: (Answer) -> Bool) {
    for answer in answers where isGone(answer) {
      abandon(answer.request)
      forget(answer)
    }
    answers.removeAll { $0.request.isAbandoned }
    for answer in storing.values where isGone(answer) { abandon(answer.request) }
    // Those of a transaction under way are dropped when it is aborted, which the group sees to.
    for answer in writing?.answers ?? [] where isGone(answer) { abandon(answer.request) }
  }

  // MARK: Partitions that leave

  private func releasePartitions(at now: MonotonicInstant) {
    for partition in queue.partitions {
      guard let leavesAt = partition.leavesAt, drainEnd == nil else { continue }
      if leavesAt <= now, !partition.isStopped {
        partition.isStopped = true
        stop { $0.partition === partition }
      }
      if partition.running.isEmpty, partition.uncommitted == 0, writing == nil, !partition.isDirty {
        queue.remove(partition)
        member.send(.release([partition.number]))
      } else if partition.running.isEmpty, writing == nil {
        commitDue = now
      }
    }
  }

  /// Stops running requests; they get no result here.
  private func stop(where isConcerned: (IncomingRequest) -> Bool) {
    for (job, request) in running where isConcerned(request) {
      abandon(request)
      dispatcher.stop(job)
    }
  }

  /// Reads no more of a partition whose window is full, and goes on when there is room.
  private func adjustReading() {
    for partition in queue.partitions where !partition.isLeaving {
      let isBlocked = queue.isBlocked(partition) && partition.waitingCount >= Self.blockedWaiting
      if isBlocked, !partition.isPaused {
        partition.isPaused = true
        member.send(.pause([partition.number]))
      } else if partition.isPaused, partition.waitingCount < Self.blockedWaiting / 2 {
        partition.isPaused = false
        member.send(.resume([partition.number]))
      }
    }
  }

  // MARK: The end

  private func checkEnd(at now: MonotonicInstant) {
    guard settings.endsAtEnd, drainEnd == nil, !isLeaving, !isComparing, now >= nextComparison else { return }
    guard writing == nil, answers.isEmpty, running.isEmpty, storing.isEmpty else { return }
    let isDone = queue.partitions.allSatisfy { partition in
      partition.end.map { partition.progress.isDone(before: $0) && !partition.isDirty } ?? true
    }
    guard isDone else { return }
    isComparing = true
    nextComparison = now + Self.endCheck
    if ends.isEmpty { return leave(.done) }
    member.send(.compare(ends.map { PartitionOffset(partition: $0.key, offset: $0.value) }))
  }

  private func take(signal number: Int32) {
    switch number {
    case SIGUSR1: display.sayNow(progress, at: .now())
    case SIGTERM, SIGINT, SIGHUP, SIGQUIT:
      if drainEnd != nil || number == SIGQUIT {
        drainEnd = .now()
      } else {
        let count = running.count
        display.say(
          "draining: \(Figures.counted(count, "running request")) may finish (once more stops \(count == 1 ? "it" : "them")).")
        beginDrain()
      }
    default: break
    }
  }

  private func beginDrain() {
    guard drainEnd == nil else { return }
    drainEnd = .now() + settings.drain
    for partition in queue.partitions {
      for request in partition.takeWaiting() { drop(request) }
    }
    dispatcher.finish()
  }

  /// Ends with `end` once running requests have ended and their results are committed.
  private func leave(_ end: ConsumeEnd) {
    guard leaveReason == nil else { return }
    leaveReason = end
    beginDrain()
  }

  private func drain(at now: MonotonicInstant) {
    guard let drainEnd, !isLeaving else { return }
    if drainEnd <= now, !running.isEmpty { stop { !$0.isAbandoned } }
    if drainEnd + Self.commitPatience <= now {
      end = ConsumeEnd(
        status: leaveReason.map { max(1, $0.status) } ?? 1,
        sentence: "\(Figures.counted(answers.count, "result")) could not be committed before the end; other members run "
          + "these requests again.")
      return
    }
    guard running.isEmpty, storing.isEmpty, answers.isEmpty, extra.isEmpty, writing == nil,
      !queue.partitions.contains(where: \.isDirty)
    else { return }
    isLeaving = true
    member.send(.leave)
  }

  private var progress: ProgressText {
    var text = ProgressText()
    text.done = figures.committed
    text.failed = figures.failed
    text.payloadsWaiting = payloads?.counts.waiting ?? 0
    if drainEnd != nil { text.note = "\(running.count) finishing" }
    return text
  }
}
