// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Executions: from the server while it knows them, and then from the history.
extension ServerAPI {
  /// Shows an execution, immediately or when it has ended.
  func show(_ id: String, _ exchange: HTTPExchange) {
    var span = Duration.zero
    if let text = exchange.request.target.parameter("wait") {
      guard let given = DurationText.parse(text), given <= .seconds(60) else {
        return exchange.respond(
          .error(
            400, "the parameter wait is a duration of at most 60s, such as 30s; correct it.", requestID: exchange.id))
      }
      span = given
    }
    guard let call = calls.call(id) else { return showEnded(id, exchange) }
    wait(for: call, exchange, until: .now() + span)
  }

  /// Cancels an execution, and shows it when it has ended.
  func cancel(_ id: String, _ exchange: HTTPExchange) {
    guard let call = calls.call(id) else { return showEnded(id, exchange) }
    calls.cancel(call)
    wait(for: call, exchange, until: .now() + settings.grace + .seconds(10))
  }

  /// Lists executions of the history, newest first.
  func list(_ request: StateRequest, _ exchange: HTTPExchange) {
    pages.run {
      $0.executions(request)
    } then: {
      exchange.respond($0)
    }
  }

  private func wait(for call: Call, _ exchange: HTTPExchange, until moment: MonotonicInstant) {
    waits.append((moment, exchange, call))
    advance()
  }

  private func showEnded(_ id: String, _ exchange: HTTPExchange) {
    if let description = calls.endedCall(id) { return exchange.respond(.json(description)) }
    let requestID = exchange.id
    pages.run {
      $0.execution(id, for: requestID)
    } then: {
      exchange.respond($0)
    }
  }
}

extension HTTPResponse {
  /// The description of a call.
  static func json(_ result: EncodedResult) -> HTTPResponse {
    HTTPResponse(type: "application/json", body: result.body)
  }
}
