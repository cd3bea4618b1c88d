// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import ExecutionFiles
internal import JSONText
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

  /// The executions of all `sources`.
  ///
  /// - Throws: `CommandError` for what cannot be read.
  static func read(_ sources: [String], _ invocation: Invocation) throws -> History {
    var files = try RunFiles(history: .temporary())
    for source in sources {
      let tally = try ExecutionSource.read(source, invocation, status: 1) { line throws(SystemError) in files.add(line)
      }
      files.unreadable += tally.unreadable
    }
    files.flush()
    if let failure = files.failure { throw failure }
    if files.unreadable > 0 { Message.print("\(files.unreadable) line(s) are not executions and are left out.") }
    return files.history
  }

  private init(history: History) { self.history = history }

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

  /// The members that a record of the history has; null for members that a payload lacks.
  private static func record(_ line: ExecutionLine) -> [UInt8]? {
    guard let id = line.requestID, let start = line.startedAt else { return nil }
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
    // Payloads in a file or topic have arrived there.
    if line.form == .record { line.text(of: "delivery").map { json.member("delivery", number: $0) } }
    json.endObject()
    return json.bytes
  }
}
