// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// The web console: sessions and their rights. Pages are made on the thread of a ``StateThread``; only what
/// concerns calls and sessions is done on the loop.
final class ConsoleService {
  /// Bytes of a form.
  private static let largestForm = 1 << 20

  let pages: StateThread
  let comparisons: StateThread
  let calls: CallService
  let sessions: SessionStore
  let settings: ServerSettings
  let live: LiveExecutions
  let trials: ConnectionTrials
  var attempts: [Attempt] = []
  private let loop: EventLoop

  init(
    _ calls: CallService, keys: KeyStore, pages: StateThread, comparisons: StateThread, trials: ConnectionTrials,
    settings: ServerSettings, loop: EventLoop
  ) {
    self.calls = calls
    self.pages = pages
    self.comparisons = comparisons
    self.trials = trials
    self.settings = settings
    self.loop = loop
    sessions = SessionStore(keys: keys, hasLogin: !settings.needsNoKey)
    live = LiveExecutions(pages: pages, calls: calls, loop: loop)
  }

  /// The line that is printed for an address that the server listens on, the last word of which opens the console.
  func greeting(_ address: ListenAddress) -> String? {
    guard case .tcp(let host, let port) = address else { return nil }
    let name = ["0.0.0.0", "::"].contains(host) ? settings.allowedHosts.first ?? "localhost" : host
    let token = sessions.token.map { "?token=\($0.revealed)" } ?? ""
    return "console: http://\(name.contains(":") ? "[\(name)]" : name):\(port)/\(token)"
  }

  /// Does the work that is due. The owner calls it after each turn of the loop.
  func advance() {
    pages.advance()
    comparisons.advance()
    live.advance()
    answerAttempts()
  }

  /// When ``advance()`` has something to do.
  var nextDue: MonotonicInstant? { attempts.map(\.until).min() }

  /// Refuses requests that the console does not take; nil if the request is to be received.
  func admit(_ exchange: HTTPExchange, _ route: ConsoleRoute) -> HTTPResponse? {
    let method = exchange.request.method == "HEAD" ? "GET" : exchange.request.method
    guard route == .nothing || route.methods.contains(method) else {
      let allow = route.methods.joined(separator: ", ")
      return .error(
        405, "the method must be one of \(allow).", requestID: exchange.id, headers: [("Allow", allow)])
    }
    guard let length = exchange.request.declaredLength, length <= Self.largestForm else {
      return .error(
        413, "a form of the console has at most 1 MiB; send larger inputs by a call.", requestID: exchange.id)
    }
    return nil
  }

  /// Carries a request out.
  func receive(_ exchange: HTTPExchange, _ route: ConsoleRoute) {
    do throws(StateError) { try answer(exchange, route) } catch { fail(exchange, error, viewer: nil) }
  }

  private func answer(_ exchange: HTTPExchange, _ route: ConsoleRoute) throws(StateError) {
    let request = exchange.request
    switch route {
    case .asset: return exchange.respond(asset(exchange))
    case .logout:
      let cookie = sessions.logOut(request)
      return exchange.respond(ConsoleAnswer.redirection(to: "/login?ended=1", headers: [cookie]))
    case .login:
      return exchange.respond(request.method == "POST" ? try logIn(exchange) : loginPage(exchange))
    case .home:
      if let token = request.target.parameter("token") {
        return exchange.respond(try logIn(token, exchange, next: "/"))
      }
    default: break
    }
    guard let session = try sessions.session(request) else { return exchange.respond(withoutSession(exchange, route)) }
    let viewer = viewer(session, request)
    if let scope = route.scope, session.scope < scope {
      return exchange.respond(
        ConsoleAnswer.response(
          MessagePage.page(
            "Not allowed",
            "This needs a key of scope \(scope.rawValue), and yours is \(session.scope.rawValue). Log out and use another key.",
            viewer: viewer, back: ("Algorithms", "/")), status: 403))
    }
    guard request.method == "POST" else { return show(exchange, route, session, viewer) }
    guard let form = FormFields(exchange.body) else {
      return exchange.respond(.error(400, "the body is not a form; use the page.", requestID: exchange.id))
    }
    guard session.isFirst(form["once"]) else {
      session.notice = .note("This form was sent before. It counted once; this is the current state.")
      return exchange.respond(ConsoleAnswer.redirection(to: route.page))
    }
    carryOut(exchange, route, form, session, viewer)
  }

  // MARK: Login

  private func loginPage(_ exchange: HTTPExchange) -> HTTPResponse {
    let target = exchange.request.target
    let reason: LoginPage.Reason = target.parameter("ended") == nil ? .start : .loggedOut
    return ConsoleAnswer.response(
      LoginPage.page(
        reason, next: Self.ownPath(target.parameter("next") ?? "/"), origin: Self.origin(exchange.request)))
  }

  private func logIn(_ exchange: HTTPExchange) throws(StateError) -> HTTPResponse {
    guard let form = FormFields(exchange.body) else {
      return .error(400, "the body is not a form; use the page.", requestID: exchange.id)
    }
    return try logIn(String(form["key"].filter { !$0.isWhitespace }), exchange, next: Self.ownPath(form["next"]))
  }

  private func logIn(_ text: String, _ exchange: HTTPExchange, next: String) throws(StateError) -> HTTPResponse {
    switch try sessions.logIn(text, exchange.request) {
    case .done(let cookie): ConsoleAnswer.redirection(to: next, headers: [cookie])
    case .wrong: ConsoleAnswer.response(LoginPage.page(.wrong, next: next, origin: Self.origin(exchange.request)))
    case .tooMany:
      ConsoleAnswer.response(
        MessagePage.page(
          "Too many logins failed", "Wait a second and try again.", viewer: nil, back: ("Log in", "/login")),
        status: 429, headers: [("Retry-After", "1")])
    }
  }

  /// A path of this server: what could lead to another one becomes the first page.
  private static func ownPath(_ text: String) -> String {
    let isOwn =
      text.hasPrefix("/") && !text.hasPrefix("//") && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x5c }
    return isOwn ? text : "/"
  }

  private func withoutSession(_ exchange: HTTPExchange, _ route: ConsoleRoute) -> HTTPResponse {
    // A browser tries a stream again after anything but this.
    if route == .events { return HTTPResponse(status: 204, type: "text/plain", body: .bytes([])) }
    if exchange.request.method == "POST" {
      return ConsoleAnswer.response(LoginPage.page(.formLost, next: route.page, origin: Self.origin(exchange.request)))
    }
    let target = exchange.request.target
    let query = target.query.map { "\(URLText.segment($0.name))=\(URLText.segment($0.value))" }.joined(separator: "&")
    let path = target.rawPath + (query.isEmpty ? "" : "?\(query)")
    return ConsoleAnswer.redirection(to: path == "/" ? "/login" : "/login?next=\(URLText.segment(path))")
  }

  /// Scheme and host as the browser sees them.
  private static func origin(_ request: HTTPRequest) -> String {
    "\(request["x-forwarded-proto"] == "https" ? "https" : "http")://\(request["host"] ?? "localhost")"
  }

  private func viewer(_ session: Session, _ request: HTTPRequest) -> Viewer {
    Viewer(
      scope: session.scope, keyName: session.key?.name, hasLogin: sessions.token != nil,
      origin: Self.origin(request), allowsCommands: settings.allowsPublish,
      now: WallClock.now())
  }

  private func asset(_ exchange: HTTPExchange) -> HTTPResponse {
    guard let asset = Asset.at(exchange.request.target.rawPath) else {
      return .error(404, "there is no such file; reload the page.", requestID: exchange.id)
    }
    return HTTPResponse(
      type: asset.type, body: .bytes(asset.bytes),
      headers: [
        ("Cache-Control", "public, max-age=31536000, immutable"), ("Cross-Origin-Resource-Policy", "same-origin"),
      ])
  }

  // MARK: Answers

  /// Answers with what `work` makes of the home.
  ///
  /// - Parameter thread: nil for that of the pages.
  func answer(
    _ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer, on thread: StateThread? = nil,
    _ work: @escaping @Sendable (StateRoutes) throws(StateError) -> ConsoleAnswer
  ) {
    (thread ?? pages).run {
      home in
      Result(catching: { () throws(StateError) in try work(home) })
    } then: { [self] result in
      switch result {
      case .success(let answer): respond(exchange, answer, session, viewer)
      case .failure(let error): fail(exchange, error, viewer: viewer)
      }
    }
  }

  func respond(_ exchange: HTTPExchange, _ answer: ConsoleAnswer, _ session: Session, _ viewer: Viewer) {
    switch answer {
    case .page(let bytes): exchange.respond(ConsoleAnswer.response(bytes))
    case .seeOther(let path, let notice):
      if let notice { session.notice = notice }
      exchange.respond(ConsoleAnswer.redirection(to: path))
    case .notFound(let text):
      exchange.respond(
        ConsoleAnswer.response(
          MessagePage.page("Not found", text, viewer: viewer, back: ("Algorithms", "/")), status: 404))
    }
  }

  private func fail(_ exchange: HTTPExchange, _ error: StateError, viewer: Viewer?) {
    exchange.respond(
      ConsoleAnswer.response(
        MessagePage.page(
          "The home cannot be used", "\(error). Try again; the server's log and disk may know more.", viewer: viewer,
          back: ("Algorithms", "/")), status: 503, headers: [("Retry-After", "1")]))
  }
}
