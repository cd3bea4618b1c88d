// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel

extension RunContext {
  /// The workers of a target, at most `slots` at a time.
  func workers(
    of target: ExecutionTarget, _ settings: WorkerSettings, slots: Int, limits: RunLimits, by supervisor: Supervisor,
    isBatch: Bool = false, mostFailedStarts: Int = 5
  ) -> WorkerPool {
    WorkerPool(
      supervisor: supervisor, target: target, settings: settings, slots: slots, limits: limits, format: payloadFormat,
      secrets: secretVariables, isBatch: isBatch, mostFailedStarts: mostFailedStarts)
  }
}

extension RunContext {
  /// Runs the requests of a target: its workers, or a process for each request, in at most `slots` at a time, fewer
  /// where the system does not allow that many.
  ///
  /// - Parameter spillDirectory: where output waits that is too large for memory.
  func executor(
    of target: ExecutionTarget, worker: WorkerSettings?, slots: Int, limits: RunLimits, spillDirectory: String,
    by supervisor: Supervisor
  ) -> any Executor {
    if let worker {
      let affordable = JobLimit.affordable(slots, descriptorsPerJob: WorkerPool.descriptorsPerWorker)
      // With many short requests, a worker that interrupts another costs more than it wins.
      return workers(of: target, worker, slots: affordable, limits: limits, by: supervisor, isBatch: true)
    }
    return ProcessExecutor(
      supervisor: supervisor, slots: JobLimit.affordable(slots), format: payloadFormat, secrets: secretVariables,
      spillDirectory: spillDirectory)
  }
}

extension Executor {
  /// Prints how many metrics came too late, if any did.
  func printLateMetrics() {
    if lateMetrics > 0 { Message.print(LateReport.sentence(lateMetrics)) }
  }
}

/// Takes the output of a worker's request in `exec`: the result to stdout, everything else to stderr.
final class WorkerOutput: OutputReceiver {
  private unowned let pool: WorkerPool
  /// Whether stdout took all of the result.
  private(set) var isWritten = true

  /// Takes the output of the request of `pool`, and what its worker prints before and after.
  init(of pool: WorkerPool) {
    self.pool = pool
    pool.log = WorkerLog()
  }

  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
    // The log has already printed the output of a worker that failed to start.
    guard pool.failure == nil else { return }
    guard descriptor == 1 else { return WorkerLog.print(bytes) }
    if isWritten { isWritten = StandardOutput.write(Array(bytes)) }
  }
}

/// Takes the output of a worker between requests.
private final class WorkerLog: OutputReceiver {
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) { Self.print(bytes) }

  static func print(_ bytes: UnsafeRawBufferPointer) {
    // Lost if stderr is closed, as it would be for the program itself.
    do throws(SystemError) { try Descriptor.standardError.writeAll(bytes) } catch {}
  }
}

/// Starts a worker once and lets it end.
struct WorkerCheck {
  let pool: WorkerPool
  let loop: EventLoop
  let supervisor: Supervisor

  /// - Throws: `CommandError` with status 1 if the program cannot start, `Interruption` for a signal.
  func run() throws {
    pool.prepare()
    try turn { pool.isReady || pool.failure != nil }
    pool.close()
    try turn { pool.isClosed }
    guard let failure = pool.failure else { return }
    let reason = "\(failure)"
    throw CommandError(
      exitCode: 1,
      sentence: "not published: \(reason.hasSuffix(".") ? String(reason.dropLast()) : reason); correct the program, or "
        + "publish it unchecked with --no-check.")
  }

  private func turn(until condition: () -> Bool) throws {
    while !condition() {
      loop.turn()
      _ = pool.takeCompletions()
      // The guardian kills the worker.
      if let signal = supervisor.takeSignals().first(where: { [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains($0.number) })
      {
        throw Interruption(signal: signal.number)
      }
    }
  }
}
