// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Counters of executions for `/metrics`.
struct CallMetrics {
  private struct Key: Hashable {
    let algorithm: String
    let version: String
  }

  /// Pairs of algorithm and version that are counted apart: a monitoring system pays for each.
  private static let limit = 200
  private var counts: [Key: [Outcome: Int]] = [:]
  var rejected: [(reason: String, count: Int)] = [
    ("queue_full", 0), ("draining", 0), ("auth", 0), ("too_large", 0), ("timeout_in_queue", 0),
  ]

  mutating func count(_ record: ExecutionRecord) {
    guard let version = record.version else { return }
    var key = Key(algorithm: version.algorithm.description, version: version.version.description)
    if counts[key] == nil, counts.count >= Self.limit { key = Key(algorithm: "other", version: "other") }
    counts[key, default: [:]][record.outcome, default: 0] += 1
  }

  mutating func countRejection(_ reason: String) {
    if let index = rejected.firstIndex(where: { $0.reason == reason }) { rejected[index].count += 1 }
  }

  /// The lines of `algo_run_executions_total`. `known` are published versions, which have a zero from the start.
  func lines(known: [PublishedVersion]) -> String {
    var all = counts
    for version in known where all.count < Self.limit {
      let key = Key(algorithm: version.algorithm.description, version: version.version.description)
      if all[key] == nil { all[key] = [:] }
    }
    return all.sorted { ($0.key.algorithm, $0.key.version) < ($1.key.algorithm, $1.key.version) }.map { key, outcomes in
      Outcome.allCases.map { outcome in
        "algo_run_executions_total{algorithm=\"\(key.algorithm)\",version=\"\(key.version)\",outcome=\""
          + "\(outcome.rawValue)\"} \(outcomes[outcome] ?? 0)\n"
      }.joined()
    }.joined()
  }
}
