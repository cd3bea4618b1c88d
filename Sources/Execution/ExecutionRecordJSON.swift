public import JSONText
public import RunModel

/// The execution record as JSON: the members of `--report`, which a batch result has too.
public enum ExecutionRecordJSON {
  /// The whole record as one object.
  public static func report(_ record: ExecutionRecord) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    writeMembers(of: record, includesPayload: true, to: &json)
    json.endObject()
    return json.bytes
  }

  /// The record's members, inside an object that the caller began and ends.
  public static func writeMembers(of record: ExecutionRecord, includesPayload: Bool, to json: inout JSONWriter) {
    json.member("request_id", record.requestID)
    json.member("algorithm", orNull: record.version?.reference)
    json.member("outcome", record.outcome.rawValue)
    json.member("exit_code", integer: record.exitCode)
    json.member("signal", integer: record.signal)
    json.member("cause", orNull: record.cause?.rawValue)
    json.name("error")
    if let error = record.error {
      json.beginObject()
      json.member("type", error.type)
      json.member("message", error.message)
      json.endObject()
    } else {
      json.null()
    }
    json.member("attempts", integer: record.attempts)
    json.member("timestamp", record.startedAt.description)
    json.member("duration_milliseconds", number: record.duration.millisecondsText)
    json.member("cpu_user_milliseconds", number: (record.usage?.userTime ?? .zero).millisecondsText)
    json.member("cpu_system_milliseconds", number: (record.usage?.systemTime ?? .zero).millisecondsText)
    json.member("max_rss_bytes", integer: record.usage?.peakMemoryBytes)
    json.name("metrics")
    json.beginObject()
    for metric in record.metrics.accepted { json.member(metric.name, number: metric.number) }
    json.endObject()
    json.name("rejected_metrics")
    json.beginArray()
    for rejection in record.metrics.rejected { write(rejection, to: &json) }
    json.endArray()
    if includesPayload {
      json.name("payload")
      if let payload = record.payload { json.raw(payload) } else { json.null() }
    }
    json.name("delivery")
    json.beginObject()
    json.member("state", record.delivery.state.rawValue)
    if case .failedToStart(let reason, _) = record.ending {
      json.member("detail", "\(record.delivery.detail ?? ""): \(reason)")
    } else if let detail = record.delivery.detail {
      json.member("detail", detail)
    }
    json.endObject()
  }

  /// One rejection as `{"name" or "line", "reason", "detail"}`.
  public static func write(_ rejection: MetricRejection, to json: inout JSONWriter) {
    json.beginObject()
    switch rejection.subject {
    case .metric(let name):
      json.member("name", name)
      json.member("reason", rejection.reason.rawValue)
      json.member("detail", rejection.detail)
    case .line(let number, let excerpt):
      json.member("line", integer: number)
      json.member("reason", rejection.reason.rawValue)
      json.member("detail", excerpt.isEmpty ? rejection.detail : "\(rejection.detail): \(excerpt)")
    }
    json.endObject()
  }
}

extension ExecutionRecord {
  /// The child's exit code; nil if a signal ended it or it never ran.
  var exitCode: Int32? {
    guard case .exited(let code) = termination else { return nil }
    return code
  }

  /// The number of the signal that ended the child; nil if none did.
  var signal: Int32? {
    guard case .signaled(let number) = termination else { return nil }
    return number
  }
}
