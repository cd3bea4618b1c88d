// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// Authorizes requests and routes them: to calls, or to stored state.
final class ServerAPI: HTTPApplication {
  /// An exchange of the console.
  private final class Visit {
    let route: ConsoleRoute
    init(_ route: ConsoleRoute) { self.route = route }
  }

  /// The state of an exchange while it lasts.
  final class Admission {
    let route: Route
    let key: APIKey?
    /// The call that its admission found to be possible.
    var call: Call?
    init(_ route: Route, _ key: APIKey?) { (self.route, self.key) = (route, key) }
  }

  /// Whether the server ends soon: it is not ready for new clients.
  var isEnding = false
  let settings: ServerSettings
  let calls: CallService
  let keyed: KeyedCalls
  let state: StateThread
  /// Reads the history, which can take a while.
  let pages: StateThread
  private let trials: ConnectionTrials
  let console: ConsoleService
  private let database: StateDatabase
  private let keys: KeyStore
  let lookup: VersionLookup
  private var log: AccessLog
  private var http = HTTPMetrics()
  private let home: HomeDirectory
  private let startedAt = WallClock.now()
  /// Pages that follow executions live.
  var eventStreams = 0
  /// Waits for the ends of executions, until a moment.
  var waits: [(until: MonotonicInstant, exchange: HTTPExchange, call: Call)] = []

  /// - Throws: the system's error if it has no thread left.
  init(
    _ calls: CallService, keyed: KeyedCalls, home: HomeDirectory, settings: ServerSettings, loop: EventLoop
  ) throws(SystemError) {
    self.calls = calls
    self.keyed = keyed
    self.settings = settings
    self.home = home
    // Keys and versions are read in the loop, where a lock is waited for only briefly; all else has its thread.
    database = StateDatabase(home: home, busyTimeout: .milliseconds(500))
    keys = KeyStore(database)
    lookup = VersionLookup(database)
    state = try StateThread(home: home, allowsPublish: settings.allowsPublish, waking: loop)
    trials = ConnectionTrials(loop)
    pages = try StateThread(home: home, allowsPublish: settings.allowsPublish, waking: loop)
    console = ConsoleService(
      calls, keys: keys, pages: pages,
      comparisons: try StateThread(home: home, allowsPublish: settings.allowsPublish, waking: loop), trials: trials,
      settings: settings, loop: loop)
    log = AccessLog(asJSON: settings.logsJSON)
  }

  /// When ``advance()`` has something to do.
  var nextDue: MonotonicInstant? { waits.reduce(console.nextDue) { .earliest($0, $1.until) } }

  /// Answers the requests whose wait is over, and those whose work ended on another thread.
  func advance() {
    state.advance()
    keyed.advance()
    trials.advance()
    console.advance()
    if waits.isEmpty { return }
    let now = MonotonicInstant.now()
    waits.removeAll { wait in
      guard wait.until <= now || wait.call.hasEnded else { return false }
      wait.exchange.respond(.json(wait.call.description))
      return true
    }
  }

  // MARK: HTTPApplication

  func admit(_ exchange: HTTPExchange) -> HTTPResponse? {
    if let route = ConsoleRoute(exchange.request) { return admit(exchange, visiting: route) }
    let match = Route.match(exchange.request)
    if case .nothing = match, Self.wantsPage(exchange.request) { return admit(exchange, visiting: .nothing) }
    http.began(exchange)
    // A call asks for its key and its version.
    return database.inOneMoment { admit(exchange, match) }
  }

  private func admit(_ exchange: HTTPExchange, _ match: Route.Match) -> HTTPResponse? {
    let id = exchange.id
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

  private func admit(_ exchange: HTTPExchange, visiting route: ConsoleRoute) -> HTTPResponse? {
    exchange.context = Visit(route)
    return console.admit(exchange, route)
  }

  /// Whether a browser asks for a page: a mistyped address is answered by one.
  private static func wantsPage(_ request: HTTPRequest) -> Bool {
    request.method == "GET" && request.target.segments.first != "v1"
      && request["accept"]?.hasPrefix("text/html") == true
  }

  func received(_ piece: UnsafeRawBufferPointer, of exchange: HTTPExchange) {
    (exchange.context as? Admission)?.call?.input.consume(piece)
  }

  /// Whether it can take calls now.
  var readiness: Readiness { Readiness(home: home, isEnding: isEnding) }

  func receive(_ exchange: HTTPExchange) {
    if let visit = exchange.context as? Visit { return console.receive(exchange, visit.route) }
    guard let admission = exchange.context as? Admission else { return }
    let values = admission.route.values
    switch admission.route.endpoint {
    case .live: exchange.respond(.text(exchange.request.isVerbose ? "[+]loop ok\n" : "ok\n"))
    case .ready:
      exchange.respond(readiness.response(isVerbose: exchange.request.isVerbose))
    case .call:
      guard let call = admission.call else { return }
      if call.parameters.idempotencyKey == nil { start(call, exchange) } else { claim(call, exchange, admission.key) }
    case .execution: show(values[0], exchange)
    case .cancel: cancel(values[0], exchange)
    case .executions: list(StateRequest(admission.route, exchange, key: admission.key), exchange)
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
    call.isAbandoned = true
    if settings.cancelsOnDisconnect { calls.cancel(call) }
  }

  func ended(_ exchange: HTTPExchange) {
    if exchange.status == 413 { calls.metrics.countRejection("too_large") }
    let admission = exchange.context as? Admission
    http.ended(exchange, route: admission.map { $0.route.endpoint.label } ?? Route.label(exchange.request))
    if let endpoint = admission?.route.endpoint, endpoint == .live || endpoint == .ready { return }
    log.add(exchange, key: admission?.key?.name)
  }

  func refused(_ refusal: HTTPRefusal) {
    http.refused(refusal)
    log.add(refusal)
  }

  /// Writes the lines of the requests that ended.
  func writeLog() { log.flush() }

  // MARK: Keys and metrics

  private func authenticate(_ request: HTTPRequest) throws(StateError) -> APIKey? {
    guard let header = request["authorization"] else { return nil }
    // Both schemes have six letters. Bytes, since characters cost many times as much.
    let scheme = header.utf8.prefix(7).map { $0 | 0x20 }
    let isKnown = scheme.elementsEqual("simple ".utf8) || scheme.elementsEqual("bearer ".utf8)
    return try keys.key(isKnown ? String(Substring(header.utf8.dropFirst(7))) : header)
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
