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

  /// Rejections that the history keeps, and bytes of the name or line of each.
  private static let historyRejections = 20
  private static let historySubjectBytes = 128
  /// Bytes of metrics that the history keeps, so that a record fits in one line of its journal.
  private static let historyMetricBytes = 40 << 10

  /// The record as the history keeps it: without `payload`, with `input_sha256`, the first rejections, and in
  /// `rejection_counts` how many there were for each reason.
  public static func history(_ record: ExecutionRecord, inputSHA256: String?) -> [UInt8] {
    let rejected = record.metrics.rejected
    var metrics = record.metrics.accepted
    var room = historyMetricBytes
    // A name of control characters takes six times its bytes.
    if metrics.reduce(0, { $0 + $1.name.utf8.count + $1.number.utf8.count }) * 6 > room {
      metrics = metrics.prefix { metric in
        room -= metric.name.utf8.count * 6 + metric.number.utf8.count
        return room >= 0
      }
    }
    var kept = record
    kept.metrics = CollectedMetrics(accepted: metrics, rejected: rejected.prefix(historyRejections).map(cut))
    var json = JSONWriter()
    json.beginObject()
    writeMembers(of: kept, includesPayload: false, to: &json)
    json.member("input_sha256", orNull: inputSHA256)
    if !rejected.isEmpty {
      var counts: [RejectionReason: Int] = [:]
      for rejection in rejected { counts[rejection.reason, default: 0] += 1 }
      json.name("rejection_counts")
      json.beginObject()
      for reason in RejectionReason.allCases {
        if let count = counts[reason] { json.member(reason.rawValue, number: "\(count)") }
      }
      json.endObject()
    }
    if metrics.count < record.metrics.accepted.count {
      json.member("metrics_left_out", integer: record.metrics.accepted.count - metrics.count)
    }
    json.endObject()
    return json.bytes
  }

  private static func cut(_ rejection: MetricRejection) -> MetricRejection {
    func cut(_ text: String) -> String {
      text.utf8.count <= historySubjectBytes
        ? text : String(decoding: text.utf8.prefix(historySubjectBytes), as: UTF8.self)
    }
    let subject: MetricRejection.Subject =
      switch rejection.subject {
      case .metric(let name): .metric(cut(name))
      case .line(let number, let excerpt): .line(number, excerpt: cut(excerpt))
      }
    return MetricRejection(subject: subject, reason: rejection.reason, detail: cut(rejection.detail))
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
