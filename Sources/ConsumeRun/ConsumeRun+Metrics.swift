// SPDX-License-Identifier: Apache-2.0
public import HTTPService
internal import KafkaClient
internal import Platform
internal import RunModel

/// Figures for Prometheus.
extension ConsumeRun {
  /// Serves `GET /metrics` at `address` while it runs.
  ///
  /// - Returns: where it listens.
  /// - Throws: ``HTTPFailure`` if the address cannot be used.
  public func serveMetrics(at address: ListenAddress) throws(HTTPFailure) -> ListenAddress {
    let service = try MetricsService(address, loop: loop) { [unowned self] in metrics }
    metricsService = service
    return service.address
  }

  /// The text of `/metrics`.
  var metrics: String {
    var text = ""
    func add(_ name: String, _ type: String, _ help: String, _ values: [(labels: String, value: String)]) {
      text += "# HELP algo_run_consume_\(name) \(help)\n# TYPE algo_run_consume_\(name) \(type)\n"
      for entry in values { text += "algo_run_consume_\(name)\(entry.labels) \(entry.value)\n" }
    }
    func number(_ name: String, _ type: String, _ help: String, _ value: Int) {
      add(name, type, help, [("", "\(value)")])
    }
    let partitions = queue.partitions.sorted { $0.number < $1.number }
    add(
      "lag_records", "gauge", "Requests behind the committed offset, by partition of this member.",
      partitions.map { partition in
        (
          "{topic=\"\(partition.topic)\",partition=\"\(partition.number)\"}",
          "\(max(0, (knownEnds[partition.number] ?? partition.progress.position) - (partition.committed?.offset ?? 0)))"
        )
      })
    let now = WallClock.now().microseconds / 1000
    let oldest = partitions.compactMap(\.oldestTimestamp).min()
    add(
      "oldest_uncommitted_request_age_seconds", "gauge",
      "Age of the oldest request that is not committed, 0 without one.",
      [("", seconds(milliseconds: oldest.map { max(0, now - $0) } ?? 0))])
    number("assigned_partitions", "gauge", "Partitions of this member.", partitions.count)
    number("running_requests", "gauge", "Requests that run.", queue.running)
    number(
      "uncommitted_results", "gauge", "Results that wait for their commit.",
      answers.count + (writing?.answers.count ?? 0))
    add(
      "requests_total", "counter", "Requests whose result is committed, by outcome.",
      Outcome.allCases.map { ("{outcome=\"\($0.rawValue)\"}", "\(figures.outcomes[$0] ?? 0)") })
    number("dead_letters_total", "counter", "Requests that are dead letters.", figures.deadLetters)
    number("redelivered_requests_total", "counter", "Requests that a predecessor had completed.", figures.redelivered)
    number("abandoned_executions_total", "counter", "Executions without a result here.", figures.abandoned)
    number("commits_total", "counter", "Commits.", figures.commits)
    add(
      "commit_seconds_total", "counter", "Time that commits took.",
      [("", seconds(milliseconds: figures.commitTime.wholeMicroseconds / 1000))])
    add(
      "last_commit_seconds", "gauge", "Time that the last commit took.",
      [("", seconds(milliseconds: figures.lastCommit.wholeMicroseconds / 1000))])
    number("aborted_transactions_total", "counter", "Transactions that were aborted and written again.", figures.aborts)
    number("rebalances_total", "counter", "Assignments and revocations of partitions.", figures.rebalances)
    return text
  }

  private func seconds(milliseconds: Int64) -> String {
    let fraction = String(milliseconds % 1000)
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
  }
}
