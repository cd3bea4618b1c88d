// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The results of a batch so far: counts, and the durations of requests that ran.
struct BatchTally {
  private(set) var outcomes: [Outcome: Int] = [:]
  private(set) var durations = DurationHistogram()
  /// Requests that are over.
  private(set) var finished = 0
  /// Requests that did not succeed.
  private(set) var failed = 0
  /// Requests that had succeeded before.
  var skipped = 0
  /// Attempts beyond the first.
  private(set) var retries = 0
  /// Results cut at the limit.
  private(set) var truncated = 0
  /// Why requests never started.
  private(set) var startFailures = StartFailureReasons()
  /// Metrics and lines of metrics that were rejected.
  private(set) var rejections = 0

  /// Counts one finished request.
  mutating func count(_ record: ExecutionRecord, truncated isTruncated: Bool) {
    outcomes[record.outcome, default: 0] += 1
    finished += 1
    retries += max(0, record.attempts - 1)
    if record.outcome != .succeeded { failed += 1 }
    if case .failedToStart(let reason, _) = record.ending {
      startFailures.count(reason)
    } else {
      durations.count(record.duration)
    }
    if isTruncated { truncated += 1 }
    rejections += record.metrics.rejected.count
  }
}
