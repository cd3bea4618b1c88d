// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import HTTPService
internal import JSONText
internal import Platform
internal import RequestDispatch
internal import RunModel

/// One call from its admission until an hour after its end.
final class Call {
  enum State {
    case queued
    case running
    /// It ran, or could not start.
    case ended(ExecutionRecord)
    /// It never started: its time limit came first, or it was canceled.
    case expired, canceled
  }

  let id: String
  let version: PublishedVersion
  let parameters: CallParameters
  let output: CallOutput
  let submittedAt = MonotonicInstant.now()
  var state = State.queued
  var job: JobID?
  /// The exchange that awaits the answer; nil for output=void, and if the caller left.
  var exchange: HTTPExchange?
  /// Exchanges that wait for the end of the execution: `GET /v1/executions/ID?wait=`.
  var waiting: [HTTPExchange] = []
  var endedAt: MonotonicInstant?
  private let directory: String

  init(
    id: String, version: PublishedVersion, parameters: CallParameters, outputLimit: Int, directory: String
  ) {
    self.id = id
    self.version = version
    self.parameters = parameters
    self.directory = directory
    output = CallOutput(limit: outputLimit, directory: directory)
  }

  /// The answer to the call.
  var answer: HTTPResponse {
    switch state {
    case .queued, .running: .error(503, "the execution has not ended; try again.", requestID: id)
    case .expired:
      .error(
        503, "the time limit ended while the call waited for a slot; try again later, or allow more time.",
        type: "TimeoutError", requestID: id, headers: [("Retry-After", "1")])
    case .canceled:
      .error(503, "the call was canceled before it started; call again.", type: "SystemExit", requestID: id)
    case .ended(let record): answer(record)
    }
  }

  private func answer(_ record: ExecutionRecord) -> HTTPResponse {
    let failure = failure(of: record)
    if parameters.output == .raw {
      if let failure {
        return .error(500, failure.message, type: failure.type, requestID: id, headers: timing)
      }
      let type = output.form == .binary ? "application/octet-stream" : "text/plain; charset=utf-8"
      let body: HTTPResponse.Body = if let file = output.file { .file(file) } else { .bytes(output.bytes) }
      return HTTPResponse(type: type, body: body, headers: timing)
    }
    do throws(SystemError) {
      var encoder = ResultEncoder(form: output.form, directory: directory)
      try encoder.append(Array("{".utf8))
      try appendMembers(record, failure, to: &encoder)
      try encoder.append(Array("}".utf8))
      return HTTPResponse(type: "application/json", body: try encoder.body(), headers: timing)
    } catch {
      return .error(
        500, "the result cannot be read back (\(error)); free space in the temporary directory.", requestID: id)
    }
  }

  /// The state of the execution, and what the call answers once it has ended.
  func description(now: MonotonicInstant) -> HTTPResponse {
    do throws(SystemError) {
      var encoder = ResultEncoder(form: output.form, directory: directory)
      try encoder.append(Array(#"{"request_id":"\#(id)","state":"\#(stateName)""#.utf8))
      if case .ended(let record) = state {
        try encoder.append(Array(",".utf8))
        try appendMembers(record, failure(of: record), to: &encoder)
      }
      try encoder.append(Array("}".utf8))
      return HTTPResponse(type: "application/json", body: try encoder.body())
    } catch {
      return .error(
        500, "the result cannot be read back (\(error)); free space in the temporary directory.", requestID: id)
    }
  }

  /// Whether it came to its end.
  var hasEnded: Bool {
    switch state {
    case .queued, .running: false
    case .ended, .expired, .canceled: true
    }
  }

  private var stateName: String {
    switch state {
    case .queued: "queued"
    case .running: "running"
    case .ended(let record): record.outcome.rawValue
    case .expired: Outcome.timedOut.rawValue
    case .canceled: Outcome.canceled.rawValue
    }
  }

  private func appendMembers(
    _ record: ExecutionRecord, _ failure: (message: String, type: String)?, to encoder: inout ResultEncoder
  ) throws(SystemError) {
    if let failure {
      var json = JSONWriter()
      json.beginObject()
      json.member("message", failure.message)
      json.member("error_type", failure.type)
      let trace = String(decoding: output.diagnostics.bytes, as: UTF8.self)
      if !trace.isEmpty {
        // Clients of the original service read one of the two.
        json.member("stacktrace", trace)
        json.member("stack_trace", trace)
      }
      json.endObject()
      try encoder.append(Array(#""error":"#.utf8) + json.bytes)
    } else {
      let quote = output.form == .json ? [] : [UInt8(ascii: "\"")]
      try encoder.append(Array(#""result":"#.utf8) + quote)
      var problem: SystemError?
      try output.read { piece in
        do throws(SystemError) { try encoder.append(result: piece) } catch { problem = error }
      }
      if let problem { throw problem }
      try encoder.append(quote)
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("content_type", failure == nil ? output.form.rawValue : "text")
    json.member("duration", number: seconds(record.duration))
    json.member("request_id", id)
    if parameters.includesStandardOutput {
      json.member("stdout", String(decoding: output.diagnostics.bytes, as: UTF8.self))
    }
    json.endObject()
    try encoder.append(Array(#","metadata":"#.utf8) + json.bytes)
  }

  private func failure(of record: ExecutionRecord) -> (message: String, type: String)? {
    let limit = seconds(record.duration)
    switch record.ending {
    case .ended(.exited(0)), .answered:
      return output.loss.map { ("\($0); raise --max-output, or print less", "AlgorithmError") }
    case .ended(.exited(let code)): return ("the algorithm exited with code \(code)", "AlgorithmError")
    case .ended(.signaled(let number)): return ("signal \(number) ended the algorithm", "SystemExit")
    case .timedOut: return ("the algorithm timed out after \(limit) s", "TimeoutError")
    case .canceled: return ("the execution was canceled", "SystemExit")
    case .raised(let error): return (error.message, error.type)
    case .workerEnded(let termination):
      return ("the worker ended before it answered (\(termination))", "AlgorithmError")
    case .protocolError(let reason): return (reason, "AlgorithmError")
    case .failedToStart(let reason, _): return (reason, "LoadingError")
    }
  }

  private func seconds(_ duration: Duration) -> String {
    // Milliseconds with three decimals, the point moved.
    let microseconds = duration.wholeMicroseconds
    let fraction = String(microseconds % 1_000_000)
    return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
  }

  /// `Server-Timing`, in milliseconds.
  private var timing: [(name: String, value: String)] {
    guard case .ended(let record) = state else { return [] }
    let total = MonotonicInstant.now().duration(since: submittedAt)
    return [
      ("Server-Timing", "run;dur=\(record.duration.millisecondsText), total;dur=\(total.millisecondsText)")
    ]
  }
}
