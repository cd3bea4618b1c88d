// SPDX-License-Identifier: Apache-2.0
internal import ExecutionFiles
internal import Glibc
internal import JSONText
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// Reads executions of files and of the topic into a temporary history. An execution that is there twice, as after a
/// payload was sent again, counts once.
struct RunFiles {
  private static let rowsAtOnce = 1000
  private static let numbersAndMore: [StaticString] = [
    "exit_code", "signal", "attempts", "duration_milliseconds", "cpu_user_milliseconds", "cpu_system_milliseconds",
    "max_rss_bytes",
  ]
  private static let ofRecords: [StaticString] = ["rejected_metrics", "cause", "error", "input_sha256"]

  let history: History
  private var records: [[UInt8]] = []
  private var unreadable = 0
  private var failure: StateError?

  /// The executions of all `sources`: files, `-` for stdin, and `topic` for the topic of the home's connection.
  ///
  /// - Throws: `ExitFailure` for what cannot be read.
  static func read(_ sources: [String], connection: () throws -> Connection?) throws -> History {
    var files = try RunFiles(history: .temporary())
    for source in sources {
      if source == "topic" {
        try files.readTopic(try connection())
      } else {
        try files.readFile(source)
      }
    }
    files.flush()
    if let failure = files.failure { throw failure }
    if files.unreadable > 0 { Message.print("\(files.unreadable) line(s) are no execution and are left out.") }
    return files.history
  }

  private init(history: History) { self.history = history }

  private mutating func readFile(_ path: String) throws(ExitFailure) {
    do throws(SystemError) {
      let tally = try ExecutionFile.read(path) { line throws(SystemError) in add(line) }
      unreadable += tally.unreadable
    } catch {
      throw ExitFailure(
        status: 1,
        sentence:
          "\"\(TerminalText.safe(path, limit: 4096))\" cannot be read: \(error); name a file of payloads, reports "
          + "or batch results.")
    }
  }

  private mutating func readTopic(_ connection: Connection?) throws {
    guard let connection, connection.kind != .file else {
      throw ExitFailure(
        status: 1,
        sentence: "the connection is no topic; name the file with --from, or connect Kafka with "
          + "`algo-run connection set`.")
    }
    let line = ExecutionLine()
    let cause = try TopicReader(ProducerSettings(connection, traffic: .many)).readToEnd { value in
      (value + [0]).withUnsafeBytes { bytes in
        switch line.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) {
        case .execution: add(line)
        case .connectionTest: break
        case .unreadable: unreadable += 1
        }
      }
    }
    guard let cause else { return }
    throw ExitFailure(
      status: 1,
      sentence: "the topic \"\(TerminalText.safe(connection.topic))\" cannot be read to its end: \(cause.text); see "
        + "`algo-run connection test`.")
  }

  private mutating func add(_ line: ExecutionLine) {
    guard let record = Self.record(line) else {
      unreadable += 1
      return
    }
    records.append(record)
    if records.count == Self.rowsAtOnce { flush() }
  }

  private mutating func flush() {
    do throws(StateError) { unreadable += try history.add(records) } catch { failure = failure ?? error }
    records.removeAll(keepingCapacity: true)
  }

  /// The members that a record of the history has; null for what a payload does not show.
  private static func record(_ line: ExecutionLine) -> [UInt8]? {
    // The time of the legacy format has no zone.
    guard let id = line.requestID,
      let start = line.startedAt ?? line.string("time").flatMap({ Timestamp(parsing: $0 + "Z") })
    else { return nil }
    var json = JSONWriter()
    json.beginObject()
    json.member("request_id", id)
    json.member("algorithm", orNull: line.reference.map { "\($0.algorithm)/\($0.version)" })
    json.member("outcome", orNull: line.outcome)
    json.member("timestamp", start.description)
    for name in numbersAndMore {
      // In a payload of the standard format such a name is that of a metric.
      let isShown = line.form == .record || line.outcome != nil || "\(name)" == "duration_milliseconds"
      json.member("\(name)", number: isShown ? line.text(of: name) ?? "null" : "null")
    }
    if line.form == .record {
      for name in ofRecords { json.member("\(name)", number: line.text(of: name) ?? "null") }
    }
    json.name("metrics")
    json.beginObject()
    line.forEachMetric { name, _, number in
      json.member(JSONString.text([0x22] + name + [0x22]) ?? "", number: String(decoding: number, as: UTF8.self))
    }
    json.endObject()
    // What is in a file or topic has arrived there.
    if line.form == .record { line.text(of: "delivery").map { json.member("delivery", number: $0) } }
    json.endObject()
    return json.bytes
  }
}
