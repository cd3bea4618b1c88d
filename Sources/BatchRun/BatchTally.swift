internal import RunModel

/// What a batch has come to so far: counts, and the durations of what ran.
struct BatchTally {
  private(set) var outcomes: [Outcome: Int] = [:]
  private(set) var durations = DurationHistogram()
  /// Requests whose result is settled.
  private(set) var finished = 0
  /// Those that did not succeed.
  private(set) var failed = 0
  /// Requests that had succeeded before.
  var skipped = 0
  /// Attempts beyond the first.
  var retries = 0
  /// Results cut at the limit.
  private(set) var truncated = 0
  /// Why requests never started.
  private(set) var unstarted = UnstartedReasons()
  /// Metrics and lines of metrics that were rejected.
  private(set) var rejections = 0

  /// Counts one finished request.
  mutating func count(_ record: ExecutionRecord, truncated isTruncated: Bool) {
    outcomes[record.outcome, default: 0] += 1
    finished += 1
    if record.outcome != .succeeded { failed += 1 }
    if case .failedToStart(let reason) = record.ending {
      unstarted.count(reason)
    } else {
      durations.count(record.duration)
    }
    if isTruncated { truncated += 1 }
    rejections += record.metrics.rejected.count
  }
}
