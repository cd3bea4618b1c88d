// SPDX-License-Identifier: Apache-2.0
public import Execution
public import Platform
public import RunModel

/// Carries out jobs within the slots of an executor, and tries failed ones again.
///
/// ## Theory of operation
///
///     submit ─► queue ─► executor ─┬─► completions
///                 ▲                │
///                 └─── retries ◄───┘
///
/// Its owner asks ``hasRoom`` before it submits, turns the loop until ``nextDue`` at the latest, and calls
/// ``takeCompletions()`` after each turn. All work is done inside these calls; completions are only delivered by the
/// last one. A job that waits for another attempt holds no slot.
///
/// A dispatcher that was finished, stopped, killed or halted starts nothing any more: the last attempt of a job that
/// waits for another one is kept, and a job that never started is canceled.
public final class Dispatcher {
  /// Jobs that may wait for another attempt before new ones wait, too: each may hold files for its input and its
  /// output.
  private static let retryLimit = 64

  private let executor: any Executor
  private let retries: RetryPolicy
  private let halt: HaltRule?
  private let queueLimit: Int
  private var queue: [Job] = []
  private var running: [ExecutionID: Job] = [:]
  private var retrying = RetryQueue()
  private var completed: [JobCompletion] = []
  private var submitted: UInt64 = 0
  private var finished = 0
  private var failed = 0
  /// Not later than the first deadline of a job.
  private var nextExpiry: MonotonicInstant?
  /// Whether jobs are started.
  public private(set) var isRunning = true
  /// How many jobs had failed when the halt rule was met; nil if it was not.
  public private(set) var failuresAtHalt: Int?
  /// All jobs that there will be, if that is known: a halt rule by share counts with it.
  public var expectedJobs: Int?

  /// - Parameters:
  ///   - executor: carries out the attempts. Nothing else may take its completions.
  ///   - retries: which failed jobs are tried again.
  ///   - halt: when no more jobs are started because too many failed.
  ///   - queueLimit: jobs that may wait for a slot before there is no room for another.
  public init(executor: any Executor, retries: RetryPolicy = .none, halt: HaltRule? = nil, queueLimit: Int = 0) {
    self.executor = executor
    self.retries = retries
    self.halt = halt
    self.queueLimit = queueLimit
  }

  /// Jobs that run now.
  public var runningCount: Int { running.count }
  /// Jobs that wait for a slot.
  public var queuedCount: Int { queue.count }
  /// Whether no job is left: none runs or waits, and all completions were taken.
  public var isIdle: Bool { running.isEmpty && retrying.count == 0 && queue.isEmpty && completed.isEmpty }

  /// Whether a job that is submitted now starts immediately, or has a place in the queue.
  public var hasRoom: Bool {
    guard isRunning, retrying.count < Self.retryLimit, !isAboutToHalt else { return false }
    return queue.isEmpty && canStart || queue.count < queueLimit
  }

  /// When ``takeCompletions()`` has something to do even if nothing happens until then; nil for never.
  public var nextDue: MonotonicInstant? {
    guard completed.isEmpty else { return .now() }
    let retry = executor.freeSlots > 0 ? retrying.nextDue : nil
    return retry.map { min($0, nextExpiry ?? $0) } ?? nextExpiry
  }

  /// Starts a job, or lets it wait for a slot. Its output goes to `output`, or is inherited if that is nil. At
  /// `deadline` it is stopped, or expires if it has not started.
  public func submit(
    _ request: ExecutionRequest, output: (any JobOutput)?, deadline: MonotonicInstant? = nil
  ) -> JobID {
    submitted += 1
    let job = Job(JobID(number: submitted), request, output, deadline: deadline)
    guard isRunning else {
      completed.append(JobCompletion(id: job.id, result: .canceled))
      return job.id
    }
    queue.append(job)
    if let deadline { nextExpiry = min(deadline, nextExpiry ?? deadline) }
    startJobs()
    return job.id
  }

  /// Counts a job that ended elsewhere, such as a request that cannot be used.
  public func count(_ record: ExecutionRecord) {
    finished += 1
    if record.outcome != .succeeded { failed += 1 }
    guard isRunning, let halt, halt.isMet(failed: failed, finished: finished, total: expectedJobs) else { return }
    failuresAtHalt = failed
    finish()
  }

  /// Takes the jobs that have ended since the last call, and starts those that are due.
  public func takeCompletions() -> [JobCompletion] {
    expireJobs(at: .now())
    noteStarts()
    for completion in executor.takeCompletions() {
      if let job = running.removeValue(forKey: completion.id) { ended(job, completion.record) }
    }
    if isRunning, let failure = executor.failure { giveUp(because: failure) }
    startJobs()
    defer { completed = [] }
    return completed
  }

  /// Starts nothing any more. Running jobs continue.
  public func finish() {
    isRunning = false
    for (job, record) in retrying.takeAll() { complete(job, record) }
    for job in queue { completed.append(JobCompletion(id: job.id, result: .canceled)) }
    queue = []
    nextExpiry = running.values.compactMap(\.deadline).min()
  }

  /// Starts nothing any more, and begins the stop sequence of all that runs.
  public func stop() {
    finish()
    for id in running.keys { executor.stop(id) }
  }

  /// Starts nothing any more, and ends all that runs immediately.
  public func kill() {
    finish()
    for id in running.keys { executor.kill(id) }
  }

  /// Cancels one job: begins its stop sequence, or takes it out of the queue. It gets no further attempt.
  public func stop(_ id: JobID) { if let execution = executionToEnd(of: id) { executor.cancel(execution) } }

  /// Ends one job immediately, or takes it out of the queue. It gets no further attempt.
  public func kill(_ id: JobID) { if let execution = executionToEnd(of: id) { executor.kill(execution) } }

  // MARK: Starting

  private var canStart: Bool { executor.freeSlots > 0 && !retrying.holdsPostponed }

  /// Whether the halt rule is met if all that wait for another attempt fail again: until that is known, nothing new.
  private var isAboutToHalt: Bool {
    guard let halt, retrying.count > 0 else { return false }
    let (failed, finished) = (failed + retrying.count, finished + retrying.count)
    return halt.isMet(failed: failed, finished: finished, total: expectedJobs)
  }

  private func startJobs() {
    guard nextExpiry != nil || isRunning && (!queue.isEmpty || retrying.count > 0) else { return }
    let now = MonotonicInstant.now()
    expireJobs(at: now)
    while isRunning, executor.freeSlots > 0, let job = retrying.takeDue(at: now) { start(job, at: now) }
    while isRunning, canStart, !queue.isEmpty { start(queue.removeFirst(), at: now) }
    noteStarts()
  }

  private func noteStarts() {
    for id in executor.takeStarts() {
      guard let job = running[id] else { continue }
      job.hasBegun = true
      job.output?.began()
    }
  }

  private func start(_ job: Job, at now: MonotonicInstant) {
    do throws(StartFailure) {
      running[try job.start(on: executor, at: now)] = job
    } catch {
      let record = job.request.failedToStart(at: WallClock.now(), because: error)
      guard error.isPassing, job.postpone() else { return complete(job, record) }
      retrying.add(job, record, .postponement, after: job.postponements)
    }
  }

  private func expireJobs(at now: MonotonicInstant) {
    guard let due = nextExpiry, due <= now else { return }
    for job in queue where job.hasExpired(at: now) { completed.append(JobCompletion(id: job.id, result: .expired)) }
    queue.removeAll { $0.hasExpired(at: now) }
    // One that runs is stopped by its own limit. One that waits for a worker has none.
    for (id, job) in running where job.hasExpired(at: now) && executor.isWaiting(id) {
      (job.isTooLate, job.isStopped) = (true, true)
      executor.cancel(id)
    }
    nextExpiry = (queue + running.values).filter { !$0.hasExpired(at: now) }.compactMap(\.deadline).min()
  }

  // MARK: Ending

  private func ended(_ job: Job, _ record: ExecutionRecord) {
    if record.outcome == .canceled, job.isTooLate || !job.hasBegun {
      completed.append(JobCompletion(id: job.id, result: job.isTooLate ? .expired : .canceled))
      return
    }
    // Workers that could not start were tried often enough by their executor.
    let isFinal = record.outcome == .succeeded || record.outcome == .failedToStart
    guard isRunning, !isFinal, record.attempts <= retries.limit, !job.isStopped, job.output?.isLost != true else {
      return complete(job, record)
    }
    job.countAttempt()
    retrying.add(job, record, retries, after: record.attempts)
  }

  private func complete(_ job: Job, _ record: ExecutionRecord) {
    completed.append(JobCompletion(id: job.id, result: .ended(record)))
    count(record)
  }

  private func giveUp(because failure: StartFailure) {
    let (jobs, now) = (queue, WallClock.now())
    queue = []
    finish()
    for job in jobs { complete(job, job.request.failedToStart(at: now, because: failure)) }
  }

  /// The execution of a job that runs. A job that waits is over.
  private func executionToEnd(of id: JobID) -> ExecutionID? {
    if let index = queue.firstIndex(where: { $0.id == id }) {
      queue.remove(at: index)
      completed.append(JobCompletion(id: id, result: .canceled))
    } else if let (job, record) = retrying.take(id) {
      complete(job, record)
    } else if let (execution, job) = running.first(where: { $0.value.id == id }) {
      job.isStopped = true
      return execution
    }
    return nil
  }
}
