// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import Platform
import ProcessSupervision
import RequestDispatch
import RunModel
import Supervision

/// A dispatcher of shells, on the supervisor of a test.
final class Dispatching {
  let dispatcher: Dispatcher
  let executor: ProcessExecutor
  private let loop: EventLoop
  /// The results so far.
  private(set) var results: [JobID: JobResult] = [:]

  init(
    _ supervision: Supervision, slots: Int = 1, retries: RetryPolicy = .none, halt: HaltRule? = nil, queueLimit: Int = 0
  ) {
    loop = supervision.loop
    executor = ProcessExecutor(supervisor: supervision.supervisor, slots: slots, format: .standard, secrets: [])
    dispatcher = Dispatcher(executor: executor, retries: retries, halt: halt, queueLimit: queueLimit)
  }

  /// Submits a job that runs `script` in a shell.
  func submit(
    _ script: String, to output: Collector? = nil, timeLimit: Duration? = nil, deadline: MonotonicInstant? = nil
  ) -> JobID { submit(["/bin/sh", "-c", script], to: output, timeLimit: timeLimit, deadline: deadline) }

  /// Submits a job that runs `command`.
  func submit(
    _ command: [String], to output: Collector? = nil, timeLimit: Duration? = nil, deadline: MonotonicInstant? = nil
  ) -> JobID {
    var limits = RunLimits()
    limits.timeLimit = timeLimit
    let target = ExecutionTarget(version: nil, command: command.map { OSString($0) })
    return dispatcher.submit(
      ExecutionRequest(id: "req-1", target: target, limits: limits, trace: nil), output: output, deadline: deadline)
  }

  /// Turns the loop until `condition` holds.
  func turn(until condition: () -> Bool) {
    while !condition() {
      let latest = MonotonicInstant.now() + .milliseconds(50)
      loop.turn(until: dispatcher.nextDue.map { min($0, latest) } ?? latest)
      for completion in dispatcher.takeCompletions() {
        require(results.updateValue(completion.result, forKey: completion.id) == nil)
      }
    }
  }

  /// The result of a job, once it is there.
  func result(of id: JobID) -> JobResult? {
    turn { results[id] != nil }
    return results[id]
  }

  /// The record of a job, once it is there. A job without one ends the test.
  func record(of id: JobID) -> ExecutionRecord {
    guard case .ended(let record)? = result(of: id) else {
      require(false)
      _exit(EXIT_FAILURE)
    }
    return record
  }
}

/// Keeps what the last attempt of a job wrote.
final class Collector: JobOutput {
  private(set) var output = Output()
  private(set) var attempts = 0
  var isLost = false

  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) { output.receive(bytes, from: descriptor) }

  func reset() {
    output = Output()
    attempts += 1
  }
}

extension JobResult {
  var isCanceled: Bool { if case .canceled = self { true } else { false } }
  var hasExpired: Bool { if case .expired = self { true } else { false } }
}
