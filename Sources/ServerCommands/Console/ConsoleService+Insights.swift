// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// The connection and the outbox.
extension ConsoleService {
  func showInsights(_ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer, _ notice: Notice?) {
    answer(exchange, session, viewer) { routes throws(StateError) in
      let home = routes.connection.home
      let connection = try routes.connection.store.connection()
      var box = InsightsPage.Outbox()
      let outbox = try Outbox.existing(home: home)
      let status = try outbox?.status() ?? OutboxStatus()
      box.counts = OutboxState.allCases.map { ($0.name, status.count($0)) }
      let aside = try FallbackFile.count(in: home)
      if aside > 0 { box.counts.append(("in fallback files", aside)) }
      box.outage = try outbox?.outage().map { ($0.since, $0.lastError) }
      box.records =
        try outbox?.list(limit: 100).map {
          InsightsPage.Record(
            id: $0.id, requestID: $0.key, state: $0.state.name, windowEnd: $0.windowEnd, attempts: $0.attempts,
            cause: $0.lastError)
        } ?? []
      let shown = connection ?? home.standardConnection
      return .page(
        InsightsPage.page(
          facts: Self.facts(shown, try routes.connection.store.certificateAuthorityText(), home),
          isSet: connection != nil, outbox: box, viewer: viewer, notice: notice))
    }
  }

  private static func facts(_ connection: Connection, _ authority: String, _ home: HomeDirectory) -> [(
    name: String, value: String
  )] {
    var facts: [(name: String, value: String)] = []
    func add(_ name: String, _ value: String) { facts.append((name, value)) }
    switch connection.kind {
    case .plaintext: add("Type", "Unencrypted (plaintext)")
    case .saslSSL: add("Type", connection.isEventHubs ? "Azure Event Hubs" : "SASL/SCRAM over TLS")
    case .file: add("Type", "File")
    }
    if connection.kind == .file {
      add("Path", connection.filePath ?? home.insightsFile)
    } else {
      add("Topic name", connection.topic)
      add("Kafka brokers", connection.brokers.joined(separator: ", "))
    }
    if let authentication = connection.authentication {
      add("SASL mechanism", authentication.mechanism.rawValue)
      add("Username", authentication.username)
      switch authentication.password {
      case .kept: add("Password", "stored, not shown")
      case .file(let path): add("Password", "read from the file \(path)")
      case .environment(let name): add("Password", "read from the variable \(name)")
      }
      let own = AuthorityText.certificates(inPEM: authority)
      add("CA certificate", own.isEmpty ? "the roots of the system" : own.joined(separator: "; "))
    }
    add("Payload format", connection.payloadFormat.rawValue)
    add("Delivery window", DurationText.format(connection.deliveryWindow))
    return facts
  }

  /// The form: as stored, or as it was tested.
  func showConnectForm(_ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer) {
    let tested = exchange.request.target.parameter("tested").flatMap { session.tested($0) }
    answer(exchange, session, viewer) { routes throws(StateError) in
      let connection = try routes.connection.store.connection()
      let authority = try routes.connection.store.certificateAuthorityText()
      let stored = connection == nil ? ConnectionForm() : ConnectionForm(connection, authority: authority)
      let form = tested ?? stored
      return .page(
        ConnectPage.page(
          Self.shown(form, hasPassword: connection?.authentication != nil), isSet: connection != nil, viewer: viewer))
    }
  }

  private static func shown(_ form: ConnectionForm, hasPassword: Bool) -> ConnectPage.Form {
    var shown = ConnectPage.Form()
    shown.type =
      switch form.kind {
      case .plaintext: "plaintext"
      case .saslSSL: "sasl_ssl"
      case .eventHubs: "event_hubs"
      case .file: "file"
      }
    (shown.topic, shown.brokers, shown.username) = (form.topic, form.brokers, form.username)
    if let mechanism = form.mechanism { shown.mechanism = mechanism.rawValue }
    (shown.authority, shown.path, shown.hasPassword) = (form.authority, form.path, hasPassword)
    shown.certificates = AuthorityText.certificates(inPEM: form.authority)
    return shown
  }

  /// Tests the connection of the form, and saves it if all passes.
  func connect(_ exchange: HTTPExchange, _ fields: FormFields, _ session: Session, _ viewer: Viewer) {
    var form = ConnectionForm()
    switch fields["type"] {
    case "sasl_ssl": form.kind = .saslSSL
    case "event_hubs": form.kind = .eventHubs
    case "file": form.kind = .file
    default: form.kind = .plaintext
    }
    (form.topic, form.brokers, form.path) = (fields["topic"], fields["brokers"], fields["path"])
    if form.kind == .saslSSL {
      form.mechanism = Connection.Authentication.Mechanism(rawValue: fields["mechanism"])
      form.username = fields["username"]
    }
    if form.kind == .saslSSL || form.kind == .eventHubs {
      form.password = fields["password"].isEmpty ? nil : Secret(fields["password"])
      form.authority = fields["ca"]
    }
    let sent = form
    enum Outcome: Sendable {
      case ready(ConnectionTrial, isSet: Bool)
      case wrong([UInt8])
    }
    pages.run { routes -> Result<Outcome, RouteProblem> in
      Result { () throws(RouteProblem) in
        let connection = try RouteProblem.of { () throws(StateError) in try routes.connection.store.connection() }
        do throws(RouteProblem) {
          return .ready(try routes.connection.trial(sent), isSet: connection != nil)
        } catch {
          guard error.status < 500 else { throw error }
          var shown = Self.shown(sent, hasPassword: connection?.authentication != nil)
          shown.error = (error.field ?? "", error.message)
          return .wrong(ConnectPage.page(shown, isSet: connection != nil, viewer: viewer))
        }
      }
    } then: { [self] result in
      switch result {
      case .failure(let problem): exchange.respond(problem.response(exchange.id))
      case .success(.wrong(let page)): respond(exchange, .page(page), session, viewer)
      case .success(.ready(let trial, let isSet)): test(trial, isSet: isSet, sent, exchange, session, viewer)
      }
    }
  }

  private func test(
    _ trial: ConnectionTrial, isSet: Bool, _ form: ConnectionForm, _ exchange: HTTPExchange, _ session: Session,
    _ viewer: Viewer
  ) {
    guard trials.hasRoom else {
      pages.run {
        $0.connection.discard(trial)
      } then: { () in
      }
      session.notice = .failed("Other connections are being tested. Try again in ten seconds.")
      return exchange.respond(ConsoleAnswer.redirection(to: "/insights"))
    }
    let stream = exchange.respond(
      streaming: HTTPResponse(type: "text/html; charset=utf-8", body: .bytes([]), headers: ConsoleAnswer.headers))
    let shown = Self.shown(form, hasPassword: false)
    let target =
      form.kind == .file ? trial.connection.filePath ?? "the file" : trial.connection.brokers.joined(separator: ", ")
    stream.write(
      ConnectPage.begin(
        shown, target: target, isSet: isSet, viewer: viewer, first: form.kind == .file ? "file" : ConnectPage.stages[0])
    )
    trials.start(trial, ConnectTest(stream, pages, session, form, shown: shown, viewer))
  }

  func saveAnyway(_ exchange: HTTPExchange, _ fields: FormFields, _ session: Session, _ viewer: Viewer) {
    guard let form = session.tested(fields["tested"]) else {
      session.notice = .failed("The tested connection is no longer known. Enter it again.")
      return exchange.respond(ConsoleAnswer.redirection(to: "/insights/connect"))
    }
    answer(exchange, session, viewer) { routes throws(StateError) in
      do throws(RouteProblem) { try routes.connection.save(form) } catch {
        return .seeOther("/insights", .failed("\(error.message)"))
      }
      return .seeOther("/insights", .done("The connection is saved, although its test failed."))
    }
  }

  func changeOutbox(_ route: ConsoleRoute, _ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer) {
    answer(exchange, session, viewer) { routes throws(StateError) in
      let outbox = try Outbox.existing(home: routes.connection.home)
      if route == .removeConnection {
        guard try routes.connection.store.remove() else {
          return .seeOther("/insights", .note("No connection was set."))
        }
        return .seeOther("/insights", .done("The connection is removed. Payloads go to the file in the home."))
      }
      if route == .retryOutbox {
        let window = try routes.connection.store.connection()?.deliveryWindow ?? Connection.standardDeliveryWindow
        let count = try outbox?.retry(OutboxSelection(states: [.expired, .rejected]), window: window) ?? 0
        return .seeOther("/insights", .done("\(count) payload(s) are pending again."))
      }
      let count = try outbox?.purge(.terminal) ?? 0
      return .seeOther("/insights", .done("\(count) payload(s) are removed."))
    }
  }
}
