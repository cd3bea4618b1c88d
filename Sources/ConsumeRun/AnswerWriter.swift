// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import Execution
internal import JSONText
internal import KafkaClient
internal import Platform
internal import RunModel

/// Makes the records of an answer: its result, its payload, its dead letter. Pure.
struct AnswerWriter {
  private static let resultType = "algo-run.result.v1"
  /// Bytes of a message in a header.
  private static let messageBytes = 1000

  private let settings: ConsumeSettings
  var plan: OutputPlan
  private let replies: NamePattern?
  /// Headers that all results share.
  private let common: RecordHeaders

  init(_ settings: ConsumeSettings, _ plan: OutputPlan) {
    self.settings = settings
    self.plan = plan
    replies = settings.replyPattern.map { NamePattern($0) }
    var common = RecordHeaders()
    common.add("ce_specversion", "1.0")
    common.add("ce_source", "/\(settings.version.reference)")
    common.add("ce_type", Self.resultType)
    common.add("algo_version", settings.version.reference)
    self.common = common
  }

  /// Adds all records of an answer.
  ///
  /// - Throws: the system's error if the result cannot be read back.
  func add(_ answer: Answer, to records: inout [OutgoingRecord]) throws(SystemError) {
    let partition = answer.request.partition.number
    var reason = answer.deadReason
    if let topic = plan.results {
      let (record, isTooLarge) = try result(of: answer, in: topic)
      records.append(record)
      if isTooLarge { reason = reason ?? .tooLarge }
    }
    if let topic = plan.insights, let insights = answer.record.insightsRecord {
      var record = OutgoingRecord(
        to: plan.place(in: topic, of: partition), key: Array(insights.key.utf8), value: insights.value)
      for header in insights.headers { record.headers.add(header.name, header.value) }
      records.append(record)
    }
    if let topic = plan.deadLetters, let reason {
      records.append(deadLetter(of: answer, because: reason, in: topic))
    }
  }

  // MARK: Results

  private func result(of answer: Answer, in topic: OutputPlan.Topic) throws(SystemError) -> (OutgoingRecord, Bool) {
    let request = answer.request
    let place = plan.place(in: topic, of: request.partition.number)
    var outgoing = OutgoingRecord(to: place, key: request.message.key ?? Array(request.id.utf8), value: nil)
    let bytes = try answer.result?.read()
    addHeaders(of: answer, to: &outgoing.headers)
    let type = settings.resultForm == .record ? "application/json" : answer.record.resultType ?? Self.type(of: bytes)
    outgoing.headers.add("content-type", type)
    if let id = request.message.header("kafka_correlationId") { outgoing.headers.add("kafka_correlationId", id) }
    if let name = request.message.text("kafka_replyTopic"), let replies, replies.matches(name) {
      outgoing.fallback = place
      outgoing.topic = name
      outgoing.partition = Self.number(request.message.header("kafka_replyPartition"))
    }
    if let bytes {
      outgoing.value = settings.resultForm == .value ? bytes : recordValue(of: answer, bytes)
      if outgoing.size <= topic.limit - OutputPlan.reserve { return (outgoing, false) }
    }
    outgoing.value = nil
    outgoing.headers.add("algo_result_error", "too_large")
    outgoing.headers.add("algo_result_bytes", "\(answer.resultSize)")
    let hash = bytes.map { $0.withUnsafeBytes { SHA256.digest(of: $0).hexadecimal } } ?? request.capture.sha256
    outgoing.headers.add("algo_result_sha256", hash)
    return (outgoing, true)
  }

  private static func type(of bytes: [UInt8]?) -> String {
    switch bytes.map(form) {
    case .json: "application/json"
    case .text: "text/plain; charset=utf-8"
    case .base64, nil: "application/octet-stream"
    }
  }

  private func addHeaders(of answer: Answer, to headers: inout RecordHeaders) {
    let record = answer.record
    headers.add(common)
    headers.add("ce_id", record.requestID)
    headers.add("ce_time", record.startedAt.description)
    addCommon(answer, to: &headers)
    headers.add("algo_duration_milliseconds", record.duration.millisecondsText)
    if let error = record.error {
      headers.add("algo_error_type", Self.cut(error.type))
      headers.add("algo_error_message", Self.cut(error.message))
    }
    if let trace = record.trace ?? answer.request.trace { headers.add("traceparent", trace.description) }
  }

  private func addCommon(_ answer: Answer, to headers: inout RecordHeaders) {
    let record = answer.record
    headers.add("algo_request_id", record.requestID)
    headers.add("algo_outcome", record.outcome.rawValue)
    headers.add("algo_exit_code", String(record.exitStatus))
    headers.add("algo_attempts", String(record.attempts))
    headers.add("algo_source", answer.request.source)
  }

  /// The execution record as a batch has it.
  private func recordValue(of answer: Answer, _ bytes: [UInt8]) -> [UInt8] {
    let form = Self.form(of: bytes)
    var record = answer.record
    if record.isPublished { record.delivery = Delivery(plan.insights == nil ? .queued : .delivered) }
    var json = JSONWriter()
    json.beginObject()
    json.member("source", answer.request.source)
    json.member("input_sha256", answer.request.inputSHA256)
    ExecutionRecordJSON.writeMembers(of: record, includesPayload: false, to: &json)
    json.member("stderr_tail", answer.request.capture.diagnostics.text)
    if form == .base64 { json.member("result_encoding", "base64") }
    json.name("result")
    if record.outcome == .failedToStart {
      json.null()
      json.endObject()
      return json.bytes
    }
    var body = ResultBody(form: form)
    var line = json.bytes + body.quote
    bytes.withUnsafeBytes { body.encode($0, to: &line) }
    return line + body.quote + Array("}".utf8)
  }

  private static func form(of bytes: [UInt8]) -> CapturedOutput.Form {
    bytes.withUnsafeBytes { bytes in
      var json = JSONScanner()
      json.consume(bytes)
      if json.isComplete { return .json }
      var text = UTF8Scanner()
      text.consume(bytes)
      return text.isValid && text.unfinished == 0 ? .text : .base64
    }
  }

  /// Four bytes, the highest first; nil for anything else.
  private static func number(_ bytes: [UInt8]?) -> Int32? {
    guard let bytes, bytes.count == 4 else { return nil }
    let number = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return number <= UInt32(Int32.max) ? Int32(number) : nil
  }

  // MARK: Dead letters

  /// The request as it came, with what went wrong in headers: those of Kafka Connect, and our own.
  private func deadLetter(
    of answer: Answer, because reason: Answer.DeadReason, in topic: OutputPlan.Topic
  ) -> OutgoingRecord {
    let (request, record) = (answer.request, answer.record)
    let message = request.message
    var outgoing = OutgoingRecord(
      to: plan.place(in: topic, of: request.partition.number), key: message.key, value: message.value)
    outgoing.timestamp = message.timestamp ?? 0
    outgoing.headers = message.headers
    let explanation: String =
      switch record.ending {
      case .failedToStart(let reason, _): reason
      case .raised(let error): error.message
      case .timedOut: "the time limit came"
      default:
        reason == .tooLarge
          ? "the result of \(answer.resultSize) bytes is too large for its topic"
          : record.explanation ?? "the algorithm ended with \(record.termination.map { "\($0)" } ?? "no status")"
      }
    addConnect(
      request.partition.topic, request.partition.number, request.offset,
      error: record.error?.type ?? (reason == .failed ? record.outcome.rawValue : reason.rawValue),
      explanation: explanation, trace: request.capture.diagnostics.text, to: &outgoing.headers)
    addCommon(answer, to: &outgoing.headers)
    outgoing.headers.add("algo_version", settings.version.reference)
    outgoing.headers.add("algo_reason", reason.rawValue)
    if outgoing.size > topic.limit - OutputPlan.reserve {
      outgoing.value = nil
      outgoing.headers.add("algo_value_error", "too_large")
    }
    return outgoing
  }

  /// The place of a request that cannot be read, in headers alone.
  func deadLetter(of place: PartitionOffset, in source: String, because cause: KafkaCause) -> OutgoingRecord? {
    guard let topic = plan.deadLetters else { return nil }
    var outgoing = OutgoingRecord(to: plan.place(in: topic, of: place.partition), key: nil, value: nil)
    addConnect(
      source, place.partition, place.offset, error: Answer.DeadReason.undecodable.rawValue, explanation: cause.text,
      trace: "", to: &outgoing.headers)
    outgoing.headers.add("algo_source", "\(source)/\(place.partition)/\(place.offset)")
    outgoing.headers.add("algo_version", settings.version.reference)
    outgoing.headers.add("algo_reason", Answer.DeadReason.undecodable.rawValue)
    return outgoing
  }

  private func addConnect(
    _ topic: String, _ partition: Int32, _ offset: Int64, error: String, explanation: String, trace: String,
    to headers: inout RecordHeaders
  ) {
    let prefix = "__connect.errors."
    headers.add(prefix + "topic", topic)
    headers.add(prefix + "partition", "\(partition)")
    headers.add(prefix + "offset", "\(offset)")
    headers.add(prefix + "connector.name", settings.group.group)
    headers.add(prefix + "task.id", "0")
    headers.add(prefix + "stage", "TASK_PUT")
    headers.add(prefix + "class.name", settings.version.reference)
    headers.add(prefix + "exception.class.name", Self.cut(error))
    headers.add(prefix + "exception.message", Self.cut(explanation))
    headers.add(prefix + "exception.stacktrace", trace)
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= messageBytes ? text : String(decoding: text.utf8.prefix(messageBytes), as: UTF8.self)
  }
}
