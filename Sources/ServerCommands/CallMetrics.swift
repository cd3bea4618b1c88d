// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel

/// Counts executions for `/metrics`.
struct CallMetrics {
  private struct Entry {
    let algorithm: String
    let version: String
    var outcomes: [Outcome: Int] = [:]
    var durations = Histogram.long
    /// Goes up with each call of any version: the smallest one was called longest ago.
    var lastCall = 0

    init(_ version: PublishedVersion) {
      (algorithm, self.version) = (version.algorithm.description, version.version.description)
    }

    /// Of all versions that have none of their own.
    init() { (algorithm, version) = ("other", "other") }

    var labels: [(String, String)] { [("algorithm", algorithm), ("version", version)] }

    mutating func count(_ record: ExecutionRecord, as call: Int) {
      outcomes[record.outcome, default: 0] += 1
      durations.add(record.duration)
      lastCall = call
    }
  }

  /// Pairs of algorithm and version that are counted apart: a monitoring system pays for each.
  private static let limit = 200
  private static let other = "other"

  /// By the reference of the version.
  private var entries: [String: Entry] = [:]
  private var calls = 0
  private var queueTimes = Histogram.long
  private var accepted = 0
  private var rejections: [RejectionReason: Int] = [:]
  private(set) var rejected: [(reason: String, count: Int)] = [
    ("queue_full", 0), ("draining", 0), ("auth", 0), ("too_large", 0), ("timeout_in_queue", 0),
  ]

  /// An execution ended, after it waited for a slot.
  mutating func count(_ record: ExecutionRecord, queued: Duration) {
    queueTimes.add(queued)
    accepted += record.metrics.accepted.count
    for rejection in record.metrics.rejected { rejections[rejection.reason, default: 0] += 1 }
    guard let version = record.version else { return }
    if entries[version.reference] == nil { makeRoom() }
    calls += 1
    entries[version.reference, default: Entry(version)].count(record, as: calls)
  }

  mutating func countRejection(_ reason: String) {
    if let index = rejected.firstIndex(where: { $0.reason == reason }) { rejected[index].count += 1 }
  }

  /// Writes the counters. `known` are published versions, which have zeros from the start; `late` lines are in no record.
  func write(known: [PublishedVersion], late: Int, to text: inout MetricsText) {
    var all = entries
    for version in known where all.count < Self.limit && all[version.reference] == nil {
      all[version.reference] = Entry(version)
    }
    let sorted = all.values.sorted { ($0.algorithm, $0.version) < ($1.algorithm, $1.version) }
    text.family("algo_run_executions_total", .counter, "Executions that ended, by outcome.")
    for entry in sorted {
      for outcome in Outcome.allCases {
        text.sample(entry.outcomes[outcome] ?? 0, entry.labels + [("outcome", outcome.rawValue)])
      }
    }
    text.family("algo_run_execution_duration_seconds", .histogram, "Wall time of executions.")
    for entry in sorted { text.samples(entry.durations, entry.labels) }
    text.family("algo_run_queue_duration_seconds", .histogram, "Time that calls waited for a slot.")
    text.samples(queueTimes)
    text.family("algo_run_requests_rejected_total", .counter, "Requests that were refused, by reason.")
    for (reason, count) in rejected { text.sample(count, [("reason", reason)]) }
    text.family("algo_run_metrics_accepted_total", .counter, "Inference metrics that are in payloads.")
    text.sample(accepted)
    text.family("algo_run_metrics_rejected_total", .counter, "Inference metrics that were rejected, by reason.")
    for reason in RejectionReason.allCases {
      text.sample(reason == .late ? late : rejections[reason] ?? 0, [("reason", reason.rawValue)])
    }
  }

  /// Folds the version that was called longest ago into one entry for all such.
  private mutating func makeRoom() {
    guard entries.count >= Self.limit else { return }
    let oldest = entries.filter { $0.key != Self.other }.min { $0.value.lastCall < $1.value.lastCall }
    guard let oldest else { return }
    entries[oldest.key] = nil
    entries[Self.other, default: Entry()].outcomes.merge(oldest.value.outcomes, uniquingKeysWith: +)
    entries[Self.other]?.durations.add(oldest.value.durations)
  }
}
