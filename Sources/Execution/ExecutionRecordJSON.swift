// SPDX-License-Identifier: Apache-2.0
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

  /// Rejections that the history keeps, and bytes of each text in them.
  private static let historyRejections = 20
  private static let historyTextBytes = 128
  /// Bytes of the message that `apply` raised.
  private static let historyMessageBytes = 1000
  /// Bytes of a record in the history, so that it fits in one line of the journal.
  private static let historyBytes = 65_000

  /// The record as the history keeps it: without `payload`, with `input_sha256`, the first rejections, and in
  /// `rejection_counts` how many there were for each reason.
  public static func history(_ record: ExecutionRecord, inputSHA256: String?) -> [UInt8] {
    var metrics = record.metrics.accepted[...]
    var rejected = record.metrics.rejected.prefix(historyRejections).map(cut)
    while true {
      let json = history(record, inputSHA256, CollectedMetrics(accepted: Array(metrics), rejected: rejected))
      if json.count <= historyBytes || metrics.isEmpty { return json }
      // Only names of hundreds of control characters, each an escape of six bytes, come here.
      if rejected.isEmpty { metrics.removeLast() } else { rejected = [] }
    }
  }

  private static func history(
    _ record: ExecutionRecord, _ inputSHA256: String?, _ metrics: CollectedMetrics
  ) -> [UInt8] {
    var kept = record
    kept.metrics = metrics
    if case .raised(let error) = record.ending {
      let message = cut(error.message, to: historyMessageBytes)
      kept.ending = .raised(AlgorithmError(type: cut(error.type), message: message))
    }
    var json = JSONWriter()
    json.beginObject()
    writeMembers(of: kept, includesPayload: false, to: &json)
    json.member("input_sha256", orNull: inputSHA256)
    let rejected = record.metrics.rejected
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
    let leftOut = record.metrics.accepted.count - metrics.accepted.count
    if leftOut > 0 { json.member("metrics_left_out", integer: leftOut) }
    json.endObject()
    return json.bytes
  }

  private static func cut(_ rejection: MetricRejection) -> MetricRejection {
    let subject: MetricRejection.Subject =
      switch rejection.subject {
      case .metric(let name): .metric(cut(name))
      case .line(let number, let excerpt): .line(number, excerpt: cut(excerpt))
      }
    return MetricRejection(subject: subject, reason: rejection.reason, detail: cut(rejection.detail))
  }

  private static func cut(_ text: String, to bytes: Int = historyTextBytes) -> String {
    text.utf8.count <= bytes ? text : String(decoding: text.utf8.prefix(bytes), as: UTF8.self)
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
