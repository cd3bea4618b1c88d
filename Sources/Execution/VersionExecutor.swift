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
    parts.flatMap { part in part.executor.takeStarts().compactMap { part.ids[$0] } }
  }

  /// The executions that have ended since the last call.
  public func takeCompletions() -> [Completion] {
    var completions: [Completion] = []
    for part in parts {
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
    closing.removeAll { part in
      guard part.executor.isClosed else { return false }
      lateOfClosed += part.executor.lateMetrics
      return true
    }
    return completions
  }

  /// Sentences about workers since the last call, each with its version.
  public func takeNotices() -> [String] {
    defer { failures = [] }
    return parts.flatMap { part in part.executor.takeNotices().map { "\(part.reference): \($0)" } } + failures
  }

  /// Lines of metrics that came after the answer of their request.
  public var lateMetrics: Int { parts.reduce(lateOfClosed) { $0 + $1.executor.lateMetrics } }

  /// Lets all workers end.
  public func close() {
    isClosing = true
    timer?.cancel()
    for part in pools.values { end(part) }
  }

  /// Whether no worker is left.
  public var isClosed: Bool { isClosing && closing.allSatisfy(\.executor.isClosed) }

  // MARK: Pools

  private var parts: [Part] { [processes] + pools.values + closing }

  private func part(for target: ExecutionTarget) -> Part {
    guard let version = target.version, let settings = version.worker else { return processes }
    if let pool = pools[version.reference] {
      guard let failedAt = pool.failedAt, failedAt + Self.pause <= .now(), pool.ids.isEmpty else { return pool }
      end(pool)
    }
    let pool = Part(version.reference, makePool(target, settings), idle: settings.idle ?? Self.idle)
    pools[version.reference] = pool
    return pool
  }

  private func becameUnused(_ part: Part) {
    guard part !== processes else { return }
    part.unusedSince = .now()
    setTimer()
  }

  private func end(_ part: Part) {
    pools[part.reference] = nil
    part.executor.close()
    closing.append(part)
  }

  private func setTimer() {
    let next = pools.values.filter(\.ids.isEmpty).map { $0.unusedSince + $0.idle }.min()
    if !isClosing { timer?.set(to: next) }
  }
}

extension VersionExecutor: TimerHandler {
  /// Ends pools that had no request for their time.
  public func fired(_ timer: Timer, at now: MonotonicInstant) {
    for pool in pools.values where pool.ids.isEmpty && pool.unusedSince + pool.idle <= now { end(pool) }
    setTimer()
  }
}
