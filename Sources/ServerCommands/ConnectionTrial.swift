// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import JSONText
internal import KafkaClient
internal import Platform
internal import RunModel

/// A test of a connection. It takes up to ten seconds, so it has a thread of its own (``ConnectionTrials``).
struct ConnectionTrial: Sendable {
  let connection: Connection
  /// Whether the connection is not stored, and its authority is a copy for the test alone.
  let isDraft: Bool
  let insightsFile: String

  /// Walks the stages, and reports each as it ends.
  ///
  /// - Returns: whether all passed.
  func run(_ report: (StageResult) -> Void) -> Bool {
    guard connection.kind == .file else { return ConnectionTest(connection).run(report) }
    let start = MonotonicInstant.now()
    let path = connection.filePath ?? insightsFile
    let verdict: StageResult.Verdict
    do throws(FileSinkError) {
      try FileSink(path: path).check()
      verdict = .passed("\(path) takes lines")
    } catch {
      verdict = .failed(cause: "\(error)", hint: "Make it writable for the server, or choose another file.")
    }
    let result = StageResult(stage: .file, verdict: verdict, time: MonotonicInstant.now() - start)
    report(result)
    return !result.hasFailed
  }
}

extension StageResult {
  /// `passed`, `skipped` or `failed`, with what there is to know, and for a failure what to do.
  var shown: (verdict: String, detail: String, hint: String?) {
    switch verdict {
    case .passed(let detail): ("passed", detail, nil)
    case .skipped(let reason): ("skipped", reason, nil)
    case .failed(let cause, let hint, _): ("failed", cause, hint)
    case .refused(let error): ("failed", "\(error)", "Nothing was sent to the broker; correct the connection.")
    }
  }

  /// One line of NDJSON.
  var line: [UInt8] {
    let (verdict, detail, hint) = shown
    var json = JSONWriter()
    json.beginObject()
    json.member("stage", stage.rawValue)
    json.member("verdict", verdict)
    json.member("detail", detail)
    if let hint { json.member("hint", hint) }
    json.member("milliseconds", number: time.millisecondsText)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
