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
    let service = try MetricsService(address, loop: loop) { [unowned self] in metrics(accept: $0) }
    metricsService = service
    return service.address
  }

  /// The answer to a request for `/metrics`.
  private func metrics(accept: String?) -> HTTPResponse {
    var text = MetricsText(accept: accept)
    func family(_ name: String, _ kind: MetricsText.Kind, _ help: String) {
      text.family("algo_run_consume_\(name)", kind, help)
    }
    func number(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: Int) {
      family(name, kind, help)
      text.sample(value)
    }
    func seconds(_ name: String, _ kind: MetricsText.Kind, _ help: String, milliseconds: Int64) {
      family(name, kind, help)
      let fraction = String(milliseconds % 1000)
      text.sample("\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction)
    }
    let partitions = queue.partitions.sorted { $0.number < $1.number }
    family("lag_records", .gauge, "Requests behind the committed offset, by partition of this member.")
    for partition in partitions {
      let end = knownEnds[partition.number] ?? partition.progress.position
      text.sample(
        "\(max(0, end - (partition.committed?.offset ?? 0)))",
        [("topic", partition.topic), ("partition", "\(partition.number)")])
    }
    let now = WallClock.now().microseconds / 1000
    let oldest = partitions.compactMap(\.oldestTimestamp).min()
    seconds(
      "oldest_uncommitted_request_age_seconds", .gauge,
      "Age of the oldest request that is not committed, 0 without one.",
      milliseconds: oldest.map { max(0, now - $0) } ?? 0)
    number("assigned_partitions", .gauge, "Partitions of this member.", partitions.count)
    number("running_requests", .gauge, "Requests that run.", queue.running)
    number(
      "uncommitted_results", .gauge, "Results that wait for their commit.",
      answers.count + (writing?.answers.count ?? 0))
    family("requests_total", .counter, "Requests whose result is committed, by outcome.")
    for outcome in Outcome.allCases { text.sample(figures.outcomes[outcome] ?? 0, [("outcome", outcome.rawValue)]) }
    number("dead_letters_total", .counter, "Requests that are dead letters.", figures.deadLetters)
    number("redelivered_requests_total", .counter, "Requests that a predecessor had completed.", figures.redelivered)
    number("abandoned_executions_total", .counter, "Executions without a result here.", figures.abandoned)
    number("commits_total", .counter, "Commits.", figures.commits)
    seconds(
      "commit_seconds_total", .counter, "Time that commits took.",
      milliseconds: figures.commitTime.wholeMicroseconds / 1000)
    seconds(
      "last_commit_seconds", .gauge, "Time that the last commit took.",
      milliseconds: figures.lastCommit.wholeMicroseconds / 1000)
    number("aborted_transactions_total", .counter, "Transactions that were aborted and written again.", figures.aborts)
    number("rebalances_total", .counter, "Assignments and revocations of partitions.", figures.rebalances)
    return text.response
  }
}
