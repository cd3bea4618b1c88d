// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import KafkaClient

/// Writes the stages of a connection test into a response, and saves the connection if that was asked for and all passed.
final class TrialResponse: TrialWatcher {
  private let stream: HTTPStream
  private let state: StateThread
  private let form: ConnectionForm?

  init(_ stream: HTTPStream, _ state: StateThread, saving form: ConnectionForm?) {
    self.stream = stream
    self.state = state
    self.form = form
  }

  func ended(_ stage: StageResult) { stream.write(stage.line) }

  func ended(_ trial: ConnectionTrial, passed: Bool) {
    let (stream, form) = (stream, passed ? form : nil)
    state.run { routes -> String? in
      routes.connection.discard(trial)
      guard let form else { return nil }
      do throws(RouteProblem) { try routes.connection.save(form) } catch { return error.message }
      return nil
    } then: { problem in
      if form != nil {
        var json = JSONWriter()
        json.beginObject()
        json.member("stage", "save")
        json.member("verdict", problem == nil ? "passed" : "failed")
        json.member("detail", problem ?? "payloads go to this connection from now on")
        json.endObject()
        stream.write(json.bytes + [UInt8(ascii: "\n")])
      }
      stream.end()
    }
  }
}
