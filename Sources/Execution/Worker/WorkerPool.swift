// SPDX-License-Identifier: Apache-2.0
internal import MetricsIntake
public import Platform
public import ProcessSupervision
public import RunModel

/// Carries out executions by workers: processes that load once and answer many requests, one at a time.
///
/// A request that was started always ends in a record. It waits in the pool until a worker is ready; a failed start of
/// a worker is an event of its own, and the waiting requests fail only when the pool gives up.
public final class WorkerPool: Executor {
  /// Descriptors of algo-run that one worker takes: its pipes and its socket, its files of /proc, the metrics pipe, the
  /// output's captures, and a few pipes that are held after their answers.
  public static let descriptorsPerWorker = 20

  let supervisor: Supervisor
  let loop: EventLoop
  let settings: WorkerSettings
  let rules: MetricRules
  let late = LateMetrics()
  let pipes: MetricsPipes
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  /// Takes what workers print while they have no request.
  public var log: (any OutputReceiver)?
  /// Why it has given up; nil as long as it can start something.
  public private(set) var failure: StartFailure?

  private let target: ExecutionTarget
  private let slots: Int
  private let configuration: SpawnConfiguration
  private let payloads: PayloadBuilder
  private var workers: [Worker] = []
  /// The one that was used last is the last.
  private var idle: [Worker] = []
  private var waiting: [WorkerRun] = []
  private var runs: [ExecutionID: WorkerRun] = [:]
  private var starts: [ExecutionID] = []
  private var completions: [Completion] = []
  private var notices: [String] = []
  private var lastNumber: UInt64 = 0
  private var isClosing = false
  private var prepared = 0
  private var backoff: StartBackoff
  private var timer: Timer?

  /// - Parameters:
  ///   - supervisor: launches and watches the workers.
  ///   - target: the program; each request names the same.
  ///   - slots: workers at a time, replacements not counted.
  ///   - limits: how a worker is stopped; its time limit is not used.
  ///   - format: of the payloads, as the connection has it.
  ///   - secrets: names of environment variables that no worker gets.
  ///   - isBatch: whether workers are scheduled for throughput: see ``SpawnConfiguration/isBatch``.
  ///   - mostFailedStarts: failed starts in a row after which it gives up.
  public init(
    supervisor: Supervisor, target: ExecutionTarget, settings: WorkerSettings, slots: Int, limits: RunLimits,
    format: PayloadFormat, secrets: [String], isBatch: Bool = false, mostFailedStarts: Int = 5
  ) {
    // A worker may end while its request is written.
    WriteSignals.ignoreOnThisThread()
    self.supervisor = supervisor
    loop = supervisor.loop
    self.target = target
    self.settings = settings
    self.slots = slots
    pipes = MetricsPipes(most: slots)
    rules = MetricRules(format: format)
    payloads = PayloadBuilder(format: format, sessionID: "rses-" + RequestID.uuid())
    backoff = StartBackoff(most: mostFailedStarts)
    var configuration = SpawnConfiguration(
      command: target.command,
      environment: ChildEnvironment(secrets: secrets).variables(
        forWorkerOf: target.version, isolates: settings.isolates),
      directory: target.version?.directory)
    configuration.limits = limits
    configuration.limits.timeLimit = nil
    configuration.isBatch = isBatch
    self.configuration = configuration
    timer = loop.schedule(self)
  }

  deinit { buffer.deallocate() }

  // MARK: Executions

  /// Requests that it takes now; they may wait for their worker to start.
  public var freeSlots: Int { slots - runs.count }

  /// Lines of metrics that came after the answer of their request.
  public var lateMetrics: Int { late.count }

  /// Whether a worker is ready.
  public var isReady: Bool { workers.contains { $0.isActive && !$0.isStarting } }

  /// Sentences about workers since the last call.
  public func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  /// Starts a worker before there is a request.
  public func prepare() {
    prepared = 1
    startWorkers()
  }

  /// Hands the request to a worker, or keeps it until one is ready.
  public func start(
    _ request: ExecutionRequest, output: (any OutputReceiver)?
  ) throws(StartFailure) -> ExecutionID {
    if let failure { throw failure }
    lastNumber += 1
    let run = WorkerRun(
      id: ExecutionID(lastNumber), request: request, output: output, input: try RunInput(request.input))
    runs[run.id] = run
    if let worker = idle.popLast() {
      worker.send(run)
    } else {
      waiting.append(run)
      startWorkers()
    }
    return run.id
  }

  /// Sends a signal to the group of the process that runs it. While it waits, the starting workers get it.
  public func signal(_ number: Int32, to id: ExecutionID) {
    guard let run = runs[id] else { return }
    if let worker = run.worker {
      run.isStopped = true
      return worker.signal(number)
    }
    for worker in workers where worker.isStarting { worker.signal(number) }
  }

  /// Begins the stop sequence of the process that runs it. A waiting request is canceled.
  public func stop(_ id: ExecutionID) {
    guard let run = runs[id] else { return }
    run.isStopped = true
    if let worker = run.worker { worker.stop() } else { cancelWaiting(run) }
  }

  /// Kills the process that runs it. A waiting request is canceled.
  public func kill(_ id: ExecutionID) {
    guard let run = runs[id] else { return }
    run.isStopped = true
    if let worker = run.worker { worker.kill() } else { cancelWaiting(run) }
  }

  /// Begins the stop sequence of a request that is canceled.
  public func cancel(_ id: ExecutionID) {
    guard let run = runs[id] else { return }
    run.isCanceled = true
    stop(id)
  }

  private func cancelWaiting(_ run: WorkerRun) {
    waiting.removeAll { $0 === run }
    run.launchedAt = WallClock.now()
    completed(run, .canceled(nil), nil, duration: .zero)
  }

  /// Whether no worker has it.
  public func isWaiting(_ id: ExecutionID) -> Bool { runs[id].map { $0.worker == nil } ?? false }

  /// The executions that a worker got since the last call.
  public func takeStarts() -> [ExecutionID] {
    guard !starts.isEmpty else { return [] }
    defer { starts.removeAll(keepingCapacity: true) }
    return starts
  }

  /// The executions that have ended since the last call.
  public func takeCompletions() -> [Completion] {
    _ = supervisor.takeEndedChildren()
    guard !completions.isEmpty else { return [] }
    defer { completions = [] }
    return completions
  }

  /// Lets the workers end: their requests end, and those left after `drain` are stopped.
  public func close() {
    isClosing = true
    timer?.cancel()
    for worker in workers { worker.retire() }
    idle = []
  }

  /// Whether no worker is left.
  public var isClosed: Bool { isClosing && workers.isEmpty }

  // MARK: Starting workers

  /// Starts as many workers as there are requests and replacements to wait for.
  private func startWorkers() {
    guard failure == nil, !isClosing else { return }
    let now = MonotonicInstant.now()
    while failure == nil, isWorkerMissing {
      if let moment = backoff.nextStart, moment > now { return timer?.set(to: moment) ?? () }
      do throws(LaunchFailure) {
        workers.append(try Worker(of: self, configuration, quota: settings.requestQuota()))
      } catch { startFailed(.launch(error), printed: nil) }
    }
  }

  private var isWorkerMissing: Bool {
    var (starting, active, aging) = (0, 0, 0)
    for worker in workers where worker.isActive {
      active += 1
      if worker.isStarting { starting += 1 }
      if worker.isAging, !worker.isReplaced { aging += 1 }
    }
    let wanted = max(waiting.count + aging, active == 0 ? prepared : 0)
    return starting < min(wanted, backoff.room) && active < slots + aging
  }

  /// A worker ended before it was ready.
  func startFailed(_ worker: Worker, _ reason: WorkerStartFailure.Reason) {
    startFailed(
      .worker(
        WorkerStartFailure(
          reason: reason, program: target.command.first?.text ?? "",
          elapsed: MonotonicInstant.now().duration(since: worker.launchedAt), printed: worker.tail.text)),
      printed: worker.tail)
  }

  /// Each one is a sentence: of the last one it is ``failure``.
  private func startFailed(_ failure: StartFailure, printed: StreamTail?) {
    guard self.failure == nil else { return }
    guard backoff.failed(at: .now()) || failure.isFinal else { return notice("\(failure)") }
    self.failure = failure
    for run in waiting {
      if let printed { printed.bytes.withUnsafeBytes { run.output?.receive($0, from: 2) } }
      run.launchedAt = WallClock.now()
      completed(run, .failedToStart(reason: "\(failure)", cause: failure.cause), nil, duration: .zero)
    }
    waiting = []
  }

  // MARK: Reports of workers

  /// A worker has the request.
  func began(_ run: WorkerRun) { if run.handovers == 0 { starts.append(run.id) } }

  func notice(_ sentence: String) { if notices.count < 100 { notices.append(sentence) } }

  func becameReady(_ worker: Worker) {
    backoff.succeeded()
    if let old = workers.first(where: { $0.isAging && !$0.isReplaced && $0.isActive }) {
      old.isReplaced = true
      idle.removeAll { $0 === old }
      old.retire()
    }
    assign(worker)
  }

  /// A worker has answered. `resident` is its memory.
  func becameIdle(_ worker: Worker, resident: Int64?) {
    if worker.answered == worker.quota, worker.quota > 0 { worker.isAging = true }
    if let resident, let most = settings.maxResidentBytes, resident > most, !worker.isAging {
      notice("a worker holds \(resident) bytes of memory, and --max-rss allows \(most); another one replaces it.")
      worker.isAging = true
    }
    assign(worker)
    if worker.isAging { startWorkers() }
  }

  private func assign(_ worker: Worker) {
    if worker.isReplaced || isClosing {
      worker.retire()
    } else if waiting.isEmpty {
      idle.append(worker)
    } else {
      worker.send(waiting.removeFirst())
    }
  }

  /// An idle worker will not take a request.
  func becameUnusable(_ worker: Worker) { idle.removeAll { $0 === worker } }

  /// The last worker stays.
  func wasIdleTooLong(_ worker: Worker) {
    guard workers.count(where: \.isActive) > 1 else { return }
    becameUnusable(worker)
    worker.retire()
  }

  /// A worker and its group are gone.
  func ended(_ worker: Worker) {
    becameUnusable(worker)
    workers.removeAll { $0 === worker }
    if worker.answered == 0, worker.wasReady { backoff.pause() }
    startWorkers()
  }

  /// Gives a request that its worker did not read to another one.
  ///
  /// - Returns: False if that happened too often.
  func handOver(_ run: WorkerRun) -> Bool {
    guard run.handovers < WorkerRun.mostHandovers, !run.isStopped else { return false }
    run.handovers += 1
    run.worker = nil
    run.metrics?.close()
    run.metrics = nil
    waiting.insert(run, at: 0)
    return true
  }

  /// A request could not be sent for want of a descriptor.
  func refused(_ run: WorkerRun, _ failure: StartFailure, by worker: Worker) {
    run.launchedAt = WallClock.now()
    completed(run, .failedToStart(reason: "\(failure)", cause: failure.cause), nil, duration: .zero)
    assign(worker)
  }

  func completed(_ run: WorkerRun, _ ending: Ending, _ usage: ResourceUsage?, duration: Duration) {
    guard runs.removeValue(forKey: run.id) != nil else { return }
    let request = run.request
    if case .failedToStart(let sentence, let cause) = ending {
      completions.append(
        Completion(
          id: run.id, record: request.failedToStart(at: run.launchedAt, because: sentence, cause: cause)))
      return
    }
    var record = ExecutionRecord(
      requestID: request.id, version: request.target.version, trace: request.trace, ending: ending,
      attempts: request.attempt, startedAt: run.launchedAt, duration: duration, usage: usage,
      metrics: run.metrics?.intake.finish() ?? .none)
    record.resultType = run.resultType
    record.queueTime = request.submittedAt.map { run.startedAt.duration(since: $0) }
    if run.metrics != nil { record.payload = payloads.payload(of: record) }
    completions.append(Completion(id: run.id, record: record))
  }
}

extension WorkerPool: TimerHandler {
  /// Starts the workers that waited for their backoff.
  public func fired(_ timer: Timer, at now: MonotonicInstant) { startWorkers() }
}
