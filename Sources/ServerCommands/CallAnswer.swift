// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel

/// The answer to a call, in the envelope of the original service or raw, and the state of its execution.
extension Call {
  /// The answer to the call.
  var answer: HTTPResponse {
    switch state {
    case .queued, .running: .error(503, "the execution has not ended; try again.", requestID: id)
    case .expired:
      .error(
        503, "the time limit ended while the call waited for a slot; try again later, or allow more time.",
        type: "TimeoutError", requestID: id, headers: retryHeaders)
    case .canceled:
      .error(503, "the call was canceled before it started; call again.", type: "SystemExit", requestID: id)
    case .ended(let record):
      if case .failedToStart(let reason, _) = record.ending {
        // No execution took place.
        .error(503, reason, type: "LoadingError", requestID: id, headers: retryHeaders)
      } else {
        answer(record)
      }
    }
  }

  /// The answer to a call with output=void, before it runs.
  var acceptance: [UInt8] {
    Array(#"{"async":"void","request_id":"\#(id)","metadata":{"content_type":"void"}}"#.utf8)
  }

  private var retryHeaders: [(name: String, value: String)] {
    [(name: "Retry-After", value: "\(service?.retryDelay ?? 1)")]
  }

  private func answer(_ record: ExecutionRecord) -> HTTPResponse {
    if parameters.output == .raw {
      if let failure = failure(of: record) {
        return .error(500, failure.message, type: failure.type, requestID: id, headers: timing)
      }
      let type = form == .binary ? "application/octet-stream" : "text/plain; charset=utf-8"
      let body: HTTPResponse.Body = if let file = output.file { .file(file) } else { .bytes(output.bytes) }
      return HTTPResponse(type: type, body: body, headers: timing)
    }
    return HTTPResponse(type: "application/json", body: encoded(Array("{".utf8), record).body, headers: timing)
  }

  /// The state of the execution, and the answer to the call once it has ended.
  var description: EncodedResult {
    let json = Array(#"{"request_id":"\#(id)","state":"\#(stateName)""#.utf8)
    guard case .ended(let record) = state else {
      return EncodedResult(prefix: json, form: .json, source: .none, count: 0, suffix: Array("}".utf8))
    }
    return encoded(json + Array(",".utf8), record)
  }

  /// How the result is carried: as its worker typed it, else as its bytes allow.
  private var form: CallOutput.Form {
    guard case .ended(let record) = state, let type = record.resultType else { return output.form }
    switch type.mediaType {
    case "text/plain": return output.form == .binary ? .binary : .text
    case "application/octet-stream": return .binary
    default: return output.form
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

  /// An object that begins with `opening`, and has the members of the answer.
  private func encoded(_ opening: [UInt8], _ record: ExecutionRecord) -> EncodedResult {
    let made = members ?? answerMembers(record)
    members = made
    return EncodedResult(
      prefix: opening + made.prefix, form: made.form, source: made.source, count: made.count, suffix: made.suffix)
  }

  private func answerMembers(_ record: ExecutionRecord) -> EncodedResult {
    let (form, failure) = (form, failure(of: record))
    var json = JSONWriter()
    json.beginObject()
    json.member("content_type", failure == nil ? form.rawValue : "text")
    json.member("duration", number: seconds(record.duration))
    json.member("request_id", id)
    if parameters.includesStandardOutput {
      json.member("stdout", String(decoding: output.diagnostics.bytes, as: UTF8.self))
    }
    json.endObject()
    let quote = form == .json || failure != nil ? "" : "\""
    var metadata = Array(quote.utf8)
    metadata.append(contentsOf: #","metadata":"#.utf8)
    metadata.append(contentsOf: json.bytes)
    metadata.append(UInt8(ascii: "}"))
    if let failure {
      return EncodedResult(prefix: error(failure), form: .json, source: .none, count: 0, suffix: metadata)
    }
    return EncodedResult(
      prefix: Array((#""result":"# + quote).utf8), form: form,
      source: output.file.map { .file($0, at: 0) } ?? .bytes(output.bytes), count: output.count, suffix: metadata)
  }

  private func error(_ failure: (message: String, type: String)) -> [UInt8] {
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
    return Array(#""error":"#.utf8) + json.bytes
  }

  private func failure(of record: ExecutionRecord) -> (message: String, type: String)? {
    switch record.ending {
    case .ended(.exited(0)), .answered:
      return output.loss.map { ("\($0); raise --max-output, or print less", "AlgorithmError") }
    case .ended(.exited(let code)): return ("the algorithm exited with code \(code)", "AlgorithmError")
    case .ended(.signaled(let number)): return ("signal \(number) ended the algorithm", "SystemExit")
    case .timedOut:
      // The limit, in seconds: what the execution took is less if the call waited before, and more if it was slow to stop.
      let after = timeLimit.map { " after \(($0 / 1000).millisecondsText) s" } ?? ""
      return ("the algorithm timed out\(after)", "TimeoutError")
    case .canceled: return ("the execution was canceled", "SystemExit")
    case .raised(let error): return (error.message, error.type)
    case .workerEnded(let termination):
      let type = record.outcome == .signaled ? "SystemExit" : "AlgorithmError"
      return ("the worker ended before it answered (\(termination))", type)
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
    let queue = (queueTime ?? .zero).millisecondsText
    let text =
      "queue;dur=" + queue + ", run;dur=" + record.duration.millisecondsText + ", total;dur=" + total.millisecondsText
    return [("Server-Timing", text)]
  }
}
