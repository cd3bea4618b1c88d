public import RunModel

/// The headers of a Kafka record: CloudEvents 1.0 in binary content mode (Kafka protocol binding), and what a consumer
/// can filter by without parsing the payload.
enum RecordHeaders {
  /// The type of every event.
  static let eventType = "algo-run.insights.v1"

  static func of(
    _ record: ExecutionRecord, _ version: PublishedVersion, trace: TraceContext?
  ) -> [InsightsRecord.Header] {
    var headers = [
      InsightsRecord.Header("ce_specversion", "1.0"),
      InsightsRecord.Header("ce_id", record.requestID),
      InsightsRecord.Header("ce_source", "/\(version.reference)"),
      InsightsRecord.Header("ce_type", eventType),
      InsightsRecord.Header("ce_time", record.timestamp.description),
      InsightsRecord.Header("content-type", "application/json"),
      InsightsRecord.Header("algo_outcome", record.outcome.rawValue),
      InsightsRecord.Header("algo_exit_code", "\(record.exitStatus)"),
      InsightsRecord.Header("algo_rejected_metrics", "\(record.metrics.rejected.count)"),
      InsightsRecord.Header("algo_attempts", "\(record.attempts)"),
    ]
    if let trace { headers.append(InsightsRecord.Header("traceparent", trace.description)) }
    return headers
  }
}

extension ExecutionRecord {
  /// The exit status that `exec` gives it: the child's own, 128+N for signal N, 124 for a time limit.
  public var exitStatus: Int32 {
    if outcome == .timedOut { return 124 }
    switch termination {
    case .exited(let code): return code
    case .signaled(let number): return 128 + number
    case nil: return 125
    }
  }

  /// The signal that ended the child, which `exec` ends by as well; nil if none did, or if the time limit sent it.
  public var endingSignal: Int32? {
    guard outcome == .signaled, case .signaled(let number) = termination else { return nil }
    return number
  }
}
