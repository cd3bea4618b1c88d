// SPDX-License-Identifier: Apache-2.0
public import RunModel

extension ExecutionRecord {
  /// The type of every event.
  private static let eventType = "algo-run.insights.v1"

  /// Whether there is a payload to publish.
  public var isPublished: Bool { version?.insights == true && payload != nil }

  /// The payload as a Kafka record; nil unless its version has Insights enabled.
  ///
  /// Headers: CloudEvents 1.0 in binary content mode (Kafka protocol binding), and values that a consumer can filter by
  /// without parsing the payload.
  public var insightsRecord: InsightsRecord? {
    guard let version, version.insights, let payload else { return nil }
    var headers = [
      InsightsRecord.Header("ce_specversion", "1.0"),
      InsightsRecord.Header("ce_id", requestID),
      InsightsRecord.Header("ce_source", "/\(version.reference)"),
      InsightsRecord.Header("ce_type", Self.eventType),
      InsightsRecord.Header("ce_time", startedAt.description),
      InsightsRecord.Header("content-type", "application/json"),
      InsightsRecord.Header("algo_outcome", outcome.rawValue),
      InsightsRecord.Header("algo_exit_code", "\(exitStatus)"),
      InsightsRecord.Header("algo_rejected_metrics", "\(metrics.rejected.count)"),
      InsightsRecord.Header("algo_attempts", "\(attempts)"),
    ]
    if let trace { headers.append(InsightsRecord.Header("traceparent", trace.description)) }
    if let state = trace?.state { headers.append(InsightsRecord.Header("tracestate", state)) }
    return InsightsRecord(key: requestID, value: payload, headers: headers)
  }
}
