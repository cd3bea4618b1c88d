public import RunModel

/// Merges what the supervisor measured with what the algorithm reported into one Insights payload.
public struct PayloadBuilder: Sendable {
  private let format: PayloadFormat
  private let sessionID: String

  /// - Parameters:
  ///   - format: of the connection.
  ///   - sessionID: `rses-` and a UUID, one for each algo-run process; only the legacy format carries it.
  public init(format: PayloadFormat, sessionID: String) {
    self.format = format
    self.sessionID = sessionID
  }

  /// One flat JSON object, ASCII, without a newline: operational members first, then the metrics in their order.
  public func payload(
    requestID: String, version: PublishedVersion, launchedAt: Timestamp, duration: Duration, metrics: [Metric]
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("request_id", requestID)
    switch format {
    case .standard:
      json.member("timestamp", launchedAt.description)
      json.member("duration_milliseconds", number: duration.millisecondsText)
    case .legacy:
      json.member("time", launchedAt.withoutZone)
      json.member("session_id", sessionID)
      json.member("duration_milliseconds", integer: (duration.wholeMicroseconds + 500) / 1000)
    }
    json.member("algorithm_owner", version.algorithm.owner)
    json.member("algorithm_name", version.algorithm.name)
    json.member("algorithm_version", version.version.description)
    for metric in metrics { json.member(metric.name, number: metric.number) }
    json.endObject()
    return json.bytes
  }
}
