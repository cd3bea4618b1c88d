// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import Platform
internal import RunModel

/// Jobs that wait for another attempt, each with the record of its last one. They hold no slot.
struct RetryQueue {
  private var waiting: [(due: MonotonicInstant, job: Job, record: ExecutionRecord)] = []
  private var generator = SystemRandomNumberGenerator()

  /// How many wait.
  var count: Int { waiting.count }
  /// When the first is due.
  var nextDue: MonotonicInstant? { waiting.map(\.due).min() }
  /// Whether the system had no room for one of them.
  var holdsPostponed: Bool { waiting.contains { $0.job.postponements > 0 } }

  /// Adds a job after attempt number `attempt`.
  mutating func add(_ job: Job, _ record: ExecutionRecord, _ policy: RetryPolicy, after attempt: Int) {
    waiting.append((.now() + policy.delay(after: attempt, using: &generator), job, record))
  }

  /// Takes a job that is due.
  mutating func takeDue(at now: MonotonicInstant) -> Job? {
    guard let index = waiting.firstIndex(where: { $0.due <= now }) else { return nil }
    return waiting.remove(at: index).job
  }

  /// Takes one job, due or not.
  mutating func take(_ id: JobID) -> (Job, ExecutionRecord)? {
    guard let index = waiting.firstIndex(where: { $0.job.id == id }) else { return nil }
    let (_, job, record) = waiting.remove(at: index)
    return (job, record)
  }

  /// Takes all jobs, due or not.
  mutating func takeAll() -> [(Job, ExecutionRecord)] {
    defer { waiting = [] }
    return waiting.map { ($0.job, $0.record) }
  }
}
