// SPDX-License-Identifier: Apache-2.0
public import Platform
public import ProcessSupervision
public import RunModel

/// Carries out executions of many versions within one number of slots: each version with workers by a pool of its own,
/// all others by a process each.
///
/// A pool is made at its first request. It ends when it had no request for a time, and is made anew a moment after it
/// gave up, if there is a request.
public final class VersionExecutor: Executor {
  /// Makes the pool of a version.
  public typealias PoolMaker = (ExecutionTarget, WorkerSettings) -> WorkerPool

  /// An executor, and the executions that it carries out.
  private final class Part {
    let reference: String
    let executor: any Executor
    /// Our identifiers by its own.
    var ids: [ExecutionID: ExecutionID] = [:]
    /// When its last execution ended.
    var unusedSince = MonotonicInstant.now()
    /// Time without an execution after which it ends.
    let idle: Duration
    var failedAt: MonotonicInstant?

    init(_ reference: String, _ executor: any Executor, idle: Duration) {
      (self.reference, self.executor, self.idle) = (reference, executor, idle)
    }
  }

  /// A pool without requests ends after this time, unless its version has another (`--idle`).
  private static let idle = Duration.seconds(3600)
  /// Time for which a pool that gave up refuses requests.
  private static let pause = Duration.seconds(10)

  private let slots: Int
  private let processes: Part
  private let makePool: PoolMaker
  private var pools: [String: Part] = [:]
  private var closing: [Part] = []
  private var running: [ExecutionID: (part: Part, own: ExecutionID)] = [:]
  private var lastNumber: UInt64 = 0
  private var lateOfClosed = 0
  /// Sentences about pools that gave up.
  private var failures: [String] = []
  private var isClosing = false
  private var timer: Timer?
  /// When the timer is set to; nil if it is not set. It may be too early: then it is set again.
  private var timerDue: MonotonicInstant?

  /// - Parameters:
  ///   - slots: executions at a time, of all versions.
  ///   - processes: carries out those of versions without workers.
  ///   - loop: that both work in.
  ///   - makePool: makes the pool of a version with workers.
  public init(slots: Int, processes: ProcessExecutor, loop: EventLoop, makePool: @escaping PoolMaker) {
    self.slots = slots
    self.processes = Part("", processes, idle: .zero)
    self.makePool = makePool
    timer = loop.schedule(self)
  }

  /// Executions that could be started now, of any version.
  public var freeSlots: Int { slots - running.count }

  /// Starts an execution of the version that the request names.
  public func start(
    _ request: ExecutionRequest, output: (any OutputReceiver)?
  ) throws(StartFailure) -> ExecutionID {
    let part = part(for: request.target)
    if let failure = part.executor.failure { throw failure }
    let own = try part.executor.start(request, output: output)
    lastNumber += 1
    let id = ExecutionID(lastNumber)
    part.ids[own] = id
    running[id] = (part, own)
    return id
  }

  /// Sends a signal to the process group of an execution.
  public func signal(_ number: Int32, to id: ExecutionID) {
    if let (part, own) = running[id] { part.executor.signal(number, to: own) }
  }

  /// Begins the stop sequence of an execution.
  public func stop(_ id: ExecutionID) { if let (part, own) = running[id] { part.executor.stop(own) } }

  /// Begins the stop sequence of an execution that is canceled.
  public func cancel(_ id: ExecutionID) { if let (part, own) = running[id] { part.executor.cancel(own) } }

  /// Ends an execution immediately.
  public func kill(_ id: ExecutionID) { if let (part, own) = running[id] { part.executor.kill(own) } }

  /// Whether an execution waits for a worker.
  public func isWaiting(_ id: ExecutionID) -> Bool {
    running[id].map { $0.part.executor.isWaiting($0.own) } ?? false
  }

  /// The executions that began since the last call.
  public func takeStarts() -> [ExecutionID] {
    var starts: [ExecutionID] = []
    forEachPart { part in
      for own in part.executor.takeStarts() { if let id = part.ids[own] { starts.append(id) } }
    }
    return starts
  }

  /// The executions that have ended since the last call.
  public func takeCompletions() -> [Completion] {
    var completions: [Completion] = []
    forEachPart { part in
      for completion in part.executor.takeCompletions() {
        guard let id = part.ids.removeValue(forKey: completion.id) else { continue }
        running[id] = nil
        completions.append(Completion(id: id, record: completion.record))
        if part.ids.isEmpty { becameUnused(part) }
      }
      if let failure = part.executor.failure, part.failedAt == nil {
        part.failedAt = .now()
        failures.append("\(part.reference): \(failure)")
      }
    }
    if closing.isEmpty { return completions }
    closing.removeAll { part in
      guard part.executor.isClosed else { return false }
      lateOfClosed += part.executor.lateMetrics
      return true
    }
    return completions
  }

  /// Sentences about workers since the last call, each with its version.
  public func takeNotices() -> [String] {
    var notices: [String] = []
    forEachPart { part in
      for notice in part.executor.takeNotices() { notices.append("\(part.reference): \(notice)") }
    }
    if failures.isEmpty { return notices }
    defer { failures = [] }
    return notices + failures
  }

  /// Lines of metrics that came after the answer of their request.
  public var lateMetrics: Int {
    var count = lateOfClosed
    forEachPart { count += $0.executor.lateMetrics }
    return count
  }

  /// Lets all workers end.
  public func close() {
    isClosing = true
    timer?.cancel()
    for part in pools.values { end(part) }
  }

  /// Whether no worker is left.
  public var isClosed: Bool { isClosing && closing.allSatisfy(\.executor.isClosed) }

  // MARK: Pools

  /// Asked several times in each turn, so it makes no list.
  private func forEachPart(_ body: (Part) -> Void) {
    body(processes)
    for pool in pools.values { body(pool) }
    for part in closing { body(part) }
  }

  private func part(for target: ExecutionTarget) -> Part {
    guard let version = target.version, let settings = version.worker else { return processes }
    if let pool = pools[version.reference] {
      guard let failedAt = pool.failedAt, failedAt + Self.pause <= .now(), pool.ids.isEmpty else { return pool }
      end(pool)
    }
    let made = makePool(target, settings)
    let pool = Part(version.reference, made, idle: made.settings.idle ?? Self.idle)
    pools[version.reference] = pool
    return pool
  }

  private func becameUnused(_ part: Part) {
    guard part !== processes else { return }
    part.unusedSince = .now()
    // A busy pool is unused for a moment thousands of times a second.
    if timerDue.map({ $0 > part.unusedSince + part.idle }) ?? true { setTimer() }
  }

  private func end(_ part: Part) {
    pools[part.reference] = nil
    part.executor.close()
    closing.append(part)
  }

  private func setTimer() {
    guard !isClosing else { return }
    timerDue = pools.values.compactMap { $0.ids.isEmpty ? $0.unusedSince + $0.idle : nil }.min()
    timer?.set(to: timerDue)
  }
}

extension VersionExecutor: TimerHandler {
  /// Ends pools that had no request for their time.
  public func fired(_ timer: Timer, at now: MonotonicInstant) {
    for pool in pools.values where pool.ids.isEmpty && pool.unusedSince + pool.idle <= now { end(pool) }
    setTimer()
  }
}
