// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Platform
internal import RunModel

/// A request from its submission to its last attempt.
final class Job {
  let id: JobID
  let output: (any JobOutput)?
  let deadline: MonotonicInstant?
  /// With the number of the attempt that runs or comes next.
  private(set) var request: ExecutionRequest
  /// How often in a row the system had no process or descriptor for it.
  private(set) var postponements = 0
  /// Whether it was stopped: it gets no further attempt.
  var isStopped = false
  /// Whether an attempt began.
  var hasBegun = false
  /// Whether its deadline came while it waited for a worker.
  var isTooLate = false

  init(_ id: JobID, _ request: ExecutionRequest, _ output: (any JobOutput)?, deadline: MonotonicInstant?) {
    self.id = id
    self.request = request
    self.output = output
    self.deadline = deadline
  }

  /// Starts the attempt. It may run until the deadline at most.
  ///
  /// - Throws: why it never started.
  func start(on executor: any Executor, at now: MonotonicInstant) throws(StartFailure) -> ExecutionID {
    output?.reset()
    var attempt = request
    if let deadline {
      let left = deadline.duration(since: now)
      attempt.limits.timeLimit = min(attempt.limits.timeLimit ?? left, left)
      attempt.deadline = deadline
    }
    let id = try executor.start(attempt, output: output)
    postponements = 0
    return id
  }

  /// Counts a start for which the system had no room. That is not the request's fault, so no attempt is counted.
  ///
  /// - Returns: Whether it is worth waiting for room.
  func postpone() -> Bool {
    guard postponements < RetryPolicy.postponement.limit else { return false }
    postponements += 1
    return true
  }

  /// Whether its deadline has come.
  func hasExpired(at now: MonotonicInstant) -> Bool { deadline.map { $0 <= now } ?? false }

  /// The next attempt is another one.
  func countAttempt() { request.attempt += 1 }
}
