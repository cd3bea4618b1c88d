// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Authorizes requests and routes them: to calls, or to what is stored.
final class ServerAPI: HTTPApplication {
  /// An exchange of the console.
  private final class Visit {
    let route: ConsoleRoute
    init(_ route: ConsoleRoute) { self.route = route }
  }

  /// What is known of an exchange while it lasts.
  private final class Admission {
    let route: Route
    let key: APIKey?
    /// The call that its admission found to be possible.
    var call: Call?
    init(_ route: Route, _ key: APIKey?) { (self.route, self.key) = (route, key) }
  }

  /// Whether the server ends soon: it is not ready for new clients.
  var isEnding = false
  private let settings: ServerSettings
  private let calls: CallService
  private let state: StateThread
  private let trials: ConnectionTrials
  let console: ConsoleService
  private let keys: KeyStore
  private let lookup: VersionLookup
  private let log: AccessLog
  private var http = HTTPMetrics()
  private let home: HomeDirectory
  private let startedAt = WallClock.now()
  /// Pages that follow executions live.
  var eventStreams = 0
  /// Waits for the ends of executions, until a moment.
  private var waits: [(until: MonotonicInstant, exchange: HTTPExchange, call: Call)] = []

  /// - Throws: the system's error if it has no thread left.
  init(
    _ calls: CallService, home: HomeDirectory, settings: ServerSettings, loop: EventLoop
  ) throws(SystemError) {
    self.calls = calls
    self.settings = settings
    self.home = home
    // Keys and versions are read in the loop, where a lock is waited for only briefly; all else has its thread.
    let database = StateDatabase(home: home, busyTimeout: .milliseconds(500))
    keys = KeyStore(database)
    lookup = VersionLookup(database)
    state = try StateThread(home: home, allowsPublish: settings.allowsPublish, waking: loop)
    trials = ConnectionTrials(loop)
    let pages = try StateThread(home: home, allowsPublish: settings.allowsPublish, waking: loop)
    console = ConsoleService(
      calls, keys: keys, pages: pages, trials: trials, settings: settings, loop: loop)
    log = AccessLog(asJSON: settings.logsJSON)
  }

  /// When ``advance()`` has something to do.
  var nextDue: MonotonicInstant? { (waits.map(\.until) + [console.nextDue].compactMap(\.self)).min() }

  /// Answers the requests whose wait is over, and those whose work ended on another thread.
  func advance() {
    state.advance()
    trials.advance()
    console.advance()
    let now = MonotonicInstant.now()
    waits.removeAll { wait in
      guard wait.until <= now || wait.call.hasEnded else { return false }
      wait.exchange.respond(wait.call.description(now: now))
      return true
    }
  }

  // MARK: HTTPApplication

  func admit(_ exchange: HTTPExchange) -> HTTPResponse? {
    if let route = ConsoleRoute(exchange.request) {
      exchange.context = Visit(route)
      return console.admit(exchange, route)
    }
    let id = exchange.id
    http.began(exchange)
    let match = Route.match(exchange.request)
    if case .found(let route) = match, route.endpoint.scope == nil {
      exchange.context = Admission(route, nil)
      return nil
    }
    let key: APIKey?
    do throws(StateError) { key = try authenticate(exchange.request) } catch {
      return .error(503, "\(error); try again later.", requestID: id, headers: [("Retry-After", "1")])
    }
    guard settings.needsNoKey || key != nil else {
      calls.metrics.countRejection("auth")
      return .error(
        401, "authorization required", code: 2002, requestID: id, headers: [("WWW-Authenticate", "Simple")])
    }
    switch match {
    case .nothing:
      return .error(
        404, "\(exchange.request.target.rawPath) is not part of algo-run; see /openapi.json.", requestID: id)
    case .otherMethods(let methods):
      let allow = [(name: "Allow", value: methods.joined(separator: ", "))]
      if exchange.request.method == "OPTIONS" {
        return HTTPResponse(type: "text/plain", body: .bytes([]), headers: allow)
      }
      return .error(405, "the method must be one of \(methods.joined(separator: ", ")).", requestID: id, headers: allow)
    case .found(let route):
      if let scope = route.endpoint.scope, let key, key.scope < scope {
        calls.metrics.countRejection("auth")
        return .error(403, "this needs a key of scope \(scope.rawValue); use another key.", code: 2001, requestID: id)
      }
      let admission = Admission(route, key)
      exchange.context = admission
      return route.endpoint == .call ? admitCall(exchange, admission) : nil
    }
  }

  func received(_ piece: UnsafeRawBufferPointer, of exchange: HTTPExchange) {
    (exchange.context as? Admission)?.call?.input.consume(piece)
  }

  func receive(_ exchange: HTTPExchange) {
    if let visit = exchange.context as? Visit { return console.receive(exchange, visit.route) }
    guard let admission = exchange.context as? Admission else { return }
    let values = admission.route.values
    switch admission.route.endpoint {
    case .live: exchange.respond(.text(exchange.request.isVerbose ? "[+]loop ok\n" : "ok\n"))
    case .ready:
      let readiness = Readiness(home: home, isEnding: isEnding)
      exchange.respond(readiness.response(isVerbose: exchange.request.isVerbose))
    case .call:
      guard let call = admission.call else { return }
      calls.submit(call, input: exchange.body, trace: Self.trace(exchange.request))
      if call.parameters.output == .void {
        exchange.respond(
          .json(Array(#"{"async":"void","request_id":"\#(call.id)","metadata":{"content_type":"void"}}"#.utf8)))
      } else {
        call.exchange = exchange
      }
    case .execution: show(values[0], exchange)
    case .cancel:
      guard let call = calls.call(values[0]) else { return exchange.respond(unknown(values[0], exchange)) }
      calls.cancel(call)
      wait(for: call, exchange, until: .now() + settings.grace + .seconds(10))
    case .metrics: showMetrics(exchange)
    case .openAPI: exchange.respond(.json(APIDocument.bytes))
    case .testConnection: test(StateRequest(admission.route, exchange, key: admission.key), exchange)
    default:
      let request = StateRequest(admission.route, exchange, key: admission.key)
      state.run {
        $0.response(to: request)
      } then: {
        exchange.respond($0)
      }
    }
  }

  /// Tests a connection, and sends each stage as it ends.
  private func test(_ request: StateRequest, _ exchange: HTTPExchange) {
    state.run {
      $0.trial(request)
    } then: { [state, trials] result in
      switch result {
      case .failure(let problem): exchange.respond(problem.response(exchange.id))
      case .success(let (trial, form)):
        guard trials.hasRoom else {
          state.run {
            $0.connection.discard(trial)
          } then: {
          }
          return exchange.respond(
            .error(
              429, "other tests of connections are running; try again in ten seconds.", requestID: exchange.id,
              headers: [("Retry-After", "10")]))
        }
        let stream = exchange.respond(streaming: HTTPResponse(type: "application/x-ndjson", body: .bytes([])))
        trials.start(trial, TrialResponse(stream, state, saving: form))
      }
    }
  }

  func clientLeft(_ exchange: HTTPExchange) {
    waits.removeAll { $0.exchange === exchange }
    guard let call = (exchange.context as? Admission)?.call else { return }
    call.exchange = nil
    if settings.cancelsOnDisconnect { calls.cancel(call) }
  }

  func ended(_ exchange: HTTPExchange) {
    if exchange.status == 413 { calls.metrics.countRejection("too_large") }
    let admission = exchange.context as? Admission
    http.ended(exchange, route: Route.label(exchange.request))
    if let endpoint = admission?.route.endpoint, endpoint == .live || endpoint == .ready { return }
    log.write(exchange, key: admission?.key?.name)
  }

  func logged(_ message: String) {}

  // MARK: Calls

  private func admitCall(_ exchange: HTTPExchange, _ admission: Admission) -> HTTPResponse? {
    let (id, values) = (exchange.id, admission.route.values)
    let parameters: CallParameters
    do throws(CallParameters.Problem) { parameters = try CallParameters(exchange.request) } catch {
      return .error(400, error.message, requestID: id)
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

  private func show(_ id: String, _ exchange: HTTPExchange) {
    guard let call = calls.call(id) else { return exchange.respond(unknown(id, exchange)) }
    guard let text = exchange.request.target.parameter("wait") else {
      return exchange.respond(call.description(now: .now()))
    }
    guard let span = DurationText.parse(text), span <= .seconds(60) else {
      return exchange.respond(
        .error(400, "the parameter wait is a duration of at most 60s, such as 30s; correct it.", requestID: exchange.id)
      )
    }
    wait(for: call, exchange, until: .now() + span)
  }

  private func wait(for call: Call, _ exchange: HTTPExchange, until moment: MonotonicInstant) {
    waits.append((moment, exchange, call))
    advance()
  }

  private func unknown(_ id: String, _ exchange: HTTPExchange) -> HTTPResponse {
    .error(404, "there is no execution \(TerminalText.safe(id)); it may have ended long ago.", requestID: exchange.id)
  }

  /// The trace that the caller began. Several headers, or one that is invalid, count as none.
  private static func trace(_ request: HTTPRequest) -> TraceContext? {
    request["traceparent"].flatMap { TraceContext(parsing: $0) }?.with(
      state: request.all("tracestate").joined(separator: ","))
  }

  // MARK: Keys and metrics

  private func authenticate(_ request: HTTPRequest) throws(StateError) -> APIKey? {
    guard let header = request["authorization"] else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1)
    let isSchemed = parts.count == 2 && ["simple", "bearer"].contains(parts[0].lowercased())
    return try keys.key(isSchemed ? String(parts[1]) : header)
  }

  private func showMetrics(_ exchange: HTTPExchange) {
    let accept = exchange.request["accept"]
    state.run {
      HomeFigures($0)
    } then: { [self] home in
      let page = MetricsPage(
        calls: calls.metrics, lateMetrics: calls.lateMetrics, running: calls.running, waiting: calls.queued, http: http,
        delivery: calls.delivery,
        eventStreams: eventStreams, version: settings.programVersion, startedAt: startedAt)
      exchange.respond(page.response(accept: accept, home))
    }
  }
}

extension HTTPRequest {
  /// Whether a health endpoint lists its checks.
  fileprivate var isVerbose: Bool { target.parameter("verbose").map { $0 != "0" && $0 != "false" } ?? false }
}
