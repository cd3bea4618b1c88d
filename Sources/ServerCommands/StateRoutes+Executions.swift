// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Executions that ended, from the history.
extension StateRoutes {
  /// The last execution of that request ID, without its result.
  func execution(_ id: String, for requestID: String) -> HTTPResponse {
    do throws(StateError) {
      var line: [UInt8]?
      try history().forEachLine(ofRequest: id) { if line == nil { line = $0 } }
      if let run = line.flatMap({ JSONMembers($0) }) { return .json(Self.description(run)) }
    } catch {
      return RouteProblem(error).response(requestID)
    }
    return .error(
      404, "there is no execution \(TerminalText.escaped(id)); it may have ended long ago.", requestID: requestID)
  }

  /// A page of the history, as `runs --json` prints it, but for what is null: no answer below /v1 has such a member.
  func executions(_ request: StateRequest) -> HTTPResponse {
    do throws(RouteProblem) {
      var selection = RunSelection(try reference(request))
      selection.since = try moment(request, "since")
      selection.until = try moment(request, "until")
      if let outcome = try request.parameter("outcome") {
        guard Outcome(rawValue: outcome) != nil else {
          let all = Outcome.allCases.map(\.rawValue).joined(separator: ", ")
          throw RouteProblem(400, "the parameter outcome is one of \(all); correct it.")
        }
        selection.outcomes = [outcome]
      }
      let (chosen, limit) = (selection, try request.number("limit", in: 1...1000, or: 100))
      var lines: [[UInt8]] = []
      try RouteProblem.of { () throws(StateError) in
        try history().forEachLine(chosen, limit: limit) { lines.append(Self.withoutNulls($0)) }
      }
      return .json(
        Array(#"{"results":["#.utf8) + Array(lines.joined(separator: [UInt8(ascii: ",")])) + Array("]}".utf8))
    } catch {
      return error.response(request.id)
    }
  }

  private static func withoutNulls(_ line: [UInt8]) -> [UInt8] {
    guard let run = JSONMembers(line) else { return line }
    var json = JSONWriter()
    json.beginObject()
    for (name, value) in run.all where run.has(name) {
      json.name(name)
      json.raw(value)
    }
    json.endObject()
    return json.bytes
  }

  private func reference(_ request: StateRequest) throws(RouteProblem) -> AlgorithmReference? {
    guard let text = try request.parameter("algorithm") else { return nil }
    guard let reference = try? AlgorithmReference(parsing: text) else {
      throw RouteProblem(400, "the parameter algorithm is OWNER/NAME or OWNER/NAME/VERSION; correct it.")
    }
    return reference
  }

  private func moment(_ request: StateRequest, _ name: String) throws(RouteProblem) -> Timestamp? {
    guard let text = try request.parameter(name) else { return nil }
    guard let moment = Timestamp(parsing: text) else {
      throw RouteProblem(400, "the parameter \(name) is a moment such as 2026-11-27T09:30:00Z; correct it.")
    }
    return moment
  }

  /// The server's answer from when it knew the execution, as far as the history has it.
  private static func description(_ run: JSONMembers) -> [UInt8] {
    let state = run.string("outcome") ?? ""
    var json = JSONWriter()
    json.beginObject()
    json.member("request_id", run.string("request_id") ?? "")
    json.member("state", state)
    if state != Outcome.succeeded.rawValue {
      json.name("error")
      json.beginObject()
      let error = run.object("error")
      json.member("message", error?.string("message") ?? message(run))
      json.member("error_type", error?.string("type") ?? type(state))
      json.endObject()
    }
    json.name("metadata")
    json.beginObject()
    json.member("content_type", "void")
    json.member("duration", number: seconds(run["duration_milliseconds"]))
    json.member("request_id", run.string("request_id") ?? "")
    json.endObject()
    json.endObject()
    return json.bytes
  }

  /// As ``Call`` words it, as far as the history knows.
  private static func message(_ run: JSONMembers) -> String {
    switch run.string("cause").flatMap(Cause.init(rawValue:)) {
    case .timeLimit: return "the algorithm timed out"
    case .canceled: return "the execution was canceled"
    case .workerExited:
      // 1 may stand for 0 here.
      let signal = run.integer("signal").map { " (signal \($0))" } ?? ""
      return "the worker ended before it answered\(signal)"
    case .protocolError: return "the worker broke the protocol"
    default: break
    }
    if let signal = run.integer("signal") { return "signal \(signal) ended the algorithm" }
    if let code = run.integer("exit_code"), code != 0 { return "the algorithm exited with code \(code)" }
    return "the algorithm could not be started"
  }

  private static func type(_ state: String) -> String {
    switch state {
    case Outcome.timedOut.rawValue: "TimeoutError"
    case Outcome.canceled.rawValue, Outcome.signaled.rawValue: "SystemExit"
    case Outcome.failedToStart.rawValue: "LoadingError"
    default: "AlgorithmError"
    }
  }

  /// Milliseconds as seconds with six decimals, the point moved.
  private static func seconds(_ milliseconds: [UInt8]?) -> String {
    let parts = String(decoding: milliseconds ?? [0x30], as: UTF8.self).split(separator: ".")
    let whole = String(repeating: "0", count: max(0, 4 - parts[0].utf8.count)) + parts[0]
    let fraction = parts.count > 1 ? parts[1] : ""
    return "\(whole.dropLast(3)).\(whole.suffix(3))\(fraction)" + String(repeating: "0", count: 3 - fraction.utf8.count)
  }
}
