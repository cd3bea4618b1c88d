// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Calls, from their admission to their start.
extension ServerAPI {
  func admitCall(_ exchange: HTTPExchange, _ admission: Admission) -> HTTPResponse? {
    let (id, values) = (exchange.id, admission.route.values)
    let parameters: CallParameters
    do throws(CallParameters.Problem) { parameters = try CallParameters(exchange.request) } catch {
      return .error(400, error.message, requestID: id)
    }
    if let encoding = exchange.request["content-encoding"], !["", "identity"].contains(encoding.mediaType) {
      // The algorithm would get the compressed bytes, whatever their type says.
      return .error(
        415,
        "the input has Content-Encoding \(TerminalText.escaped(encoding)), which is not decoded here; send it as it is.",
        requestID: id)
    }
    guard let input = CallInput(exchange.request["content-type"]) else {
      return .error(
        415, "the input is application/json, text/plain or application/octet-stream; set its Content-Type.",
        requestID: id)
    }
    let found: PublishedVersion?
    do throws(StateError) {
      found = try lookup.version(values[0], values[1], values.count > 2 ? values[2] : "latest")
    } catch {
      return .error(503, "\(error); try again later.", requestID: id, headers: [("Retry-After", "1")])
    }
    guard let version = found else {
      return .error(404, "algorithm algo://\(values.joined(separator: "/")) not found", code: 1000, requestID: id)
    }
    switch prepareCall(version, parameters, input, id: id) {
    case .refused(let response): return response
    case .call(let call):
      call.clientRequestID = exchange.clientRequestID
      admission.call = call
      return nil
    }
  }

  /// A call that can be submitted now, or why it is refused.
  enum PreparedCall {
    case call(Call)
    case refused(HTTPResponse)
  }

  func prepareCall(
    _ version: PublishedVersion, _ parameters: CallParameters, _ input: CallInput, id: String
  ) -> PreparedCall {
    if calls.isDraining {
      calls.metrics.countRejection("draining")
      var response = HTTPResponse.error(
        503, "the server is stopping; call again later.", requestID: id, headers: [("Retry-After", "1")])
      response.closes = true
      return .refused(response)
    }
    guard calls.hasRoom else {
      calls.metrics.countRejection("queue_full")
      return .refused(
        .error(
          429, "all slots and the queue are taken; call again later.", requestID: id,
          headers: [("Retry-After", "\(calls.retryDelay)")]))
    }
    return .call(
      Call(
        id: id, version: version, parameters: parameters, input: input, outputLimit: settings.maxOutput,
        directory: settings.spillDirectory))
  }

  /// Lets a call run or wait.
  func start(_ call: Call, _ exchange: HTTPExchange) {
    calls.submit(call, input: exchange.body, trace: Self.trace(exchange.request))
    if call.parameters.output == .void { exchange.respond(.json(call.acceptance)) } else { call.exchange = exchange }
  }

  /// Starts a call with an Idempotency-Key, unless it comes again.
  func claim(_ call: Call, _ exchange: HTTPExchange, _ key: APIKey?) {
    keyed.claim(call, exchange, by: key) { [self] result in
      switch result {
      case .success(.accepted):
        if call.isAbandoned, settings.cancelsOnDisconnect, let claim = call.claim { return keyed.forget(claim) }
        start(call, exchange)
      case .success(.answered(let answer)): exchange.respond(KeyedCalls.response(answer))
      case .success(.unanswered(let id)):
        exchange.respond(
          .error(
            409,
            "the call with this Idempotency-Key has no answer: it runs, or the server ended first; "
              + "see GET /v1/executions/\(id), or use another key to run it again.",
            type: "NoAnswer", requestID: id))
      case .success(.taken):
        exchange.respond(
          .error(
            422, "another request had this Idempotency-Key (path, query, type or body differ); use another key.",
            type: "KeyReused", requestID: exchange.id))
      case .failure(let error):
        exchange.respond(
          .error(503, "\(error); try again later.", requestID: exchange.id, headers: [("Retry-After", "1")]))
      }
    }
  }

  /// The trace that the caller began. Several headers, or one that is invalid, count as none.
  private static func trace(_ request: HTTPRequest) -> TraceContext? {
    request["traceparent"].flatMap { TraceContext(parsing: $0) }?.with(
      state: request.all("tracestate").joined(separator: ","))
  }
}
