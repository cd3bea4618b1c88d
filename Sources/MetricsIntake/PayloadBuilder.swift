// SPDX-License-Identifier: Apache-2.0
internal import JSONText
public import RunModel

/// Merges the supervisor's measurements and the algorithm's metrics into one Insights payload.
public struct PayloadBuilder: Sendable {
  private let format: PayloadFormat
  private let sessionID: String

  /// - Parameters:
  ///   - format: of the connection.
  ///   - sessionID: `rses-` and a UUID, one for each algo-run process; only the legacy format carries it.
  public init(format: PayloadFormat, sessionID: @autoclosure () -> String) {
    self.format = format
    self.sessionID = format == .legacy ? sessionID() : ""
  }

  /// One flat JSON object, ASCII, without a newline: operational members first, then the metrics in their order.
  ///
  /// - Returns: nil for a bare command, which has no payload.
  public func payload(of record: ExecutionRecord) -> [UInt8]? {
    guard let version = record.version else { return nil }
    var json = JSONWriter()
    json.beginObject()
    json.member("request_id", record.requestID)
    switch format {
    case .standard, .extended:
      json.member("timestamp", record.startedAt.description)
      json.member("duration_milliseconds", number: record.duration.millisecondsText)
    case .legacy:
      json.member("time", record.startedAt.withoutZone)
      json.member("session_id", sessionID)
      json.member("duration_milliseconds", integer: (record.duration.wholeMicroseconds + 500) / 1000)
    }
    json.member("algorithm_owner", version.algorithm.owner)
    json.member("algorithm_name", version.algorithm.name)
    json.member("algorithm_version", version.version.description)
    if format == .extended { writeFigures(of: record, to: &json) }
    for metric in record.metrics.accepted { json.member(metric.name, number: metric.number) }
    json.endObject()
    return json.bytes
  }

  /// The members of ``PayloadFormat/furtherMembers``. Unknown values are absent: a consumer that sees only numbers
  /// would trip over null.
  private func writeFigures(of record: ExecutionRecord, to json: inout JSONWriter) {
    json.member("outcome", record.outcome.rawValue)
    if case .exited(let code) = record.termination { json.member("exit_code", integer: Int(code)) }
    json.member("attempts", integer: record.attempts)
    if let usage = record.usage {
      json.member("cpu_user_milliseconds", number: usage.userTime.millisecondsText)
      json.member("cpu_system_milliseconds", number: usage.systemTime.millisecondsText)
      if let peak = usage.peakMemoryBytes { json.member("max_rss_bytes", integer: peak) }
    }
    if let wait = record.queueTime { json.member("queue_milliseconds", number: wait.millisecondsText) }
  }
}
