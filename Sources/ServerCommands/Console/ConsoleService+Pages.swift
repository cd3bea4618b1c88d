// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import Platform
internal import RunModel
internal import StateStore

/// Which page shows what.
extension ConsoleService {
  func show(_ exchange: HTTPExchange, _ route: ConsoleRoute, _ session: Session, _ viewer: Viewer) {
    if route == .events { return live.follow(exchange) }
    let target = exchange.request.target
    let notice = session.takeNotice()
    switch route {
    case .home:
      answer(exchange, session, viewer) { home throws(StateError) in try Self.algorithms(home, viewer, notice) }
    case .versions(let name):
      answer(exchange, session, viewer) { home throws(StateError) in try Self.versions(of: name, home, viewer, notice) }
    case .publish(let name):
      answer(exchange, session, viewer) { home throws(StateError) in
        try Self.publishForm(nil, name, home, viewer)
      }
    case .publishNew:
      respond(
        exchange,
        viewer.allowsCommands
          ? .page(PublishPage.page(PublishPage.Form(), previous: nil, viewer: viewer)) : Self.noCommands, session,
        viewer)
    case .keys:
      answer(exchange, session, viewer) { home throws(StateError) in
        .page(
          KeysPage.page(try home.keys.store.keys(), form: KeysPage.Form(), created: nil, viewer: viewer, notice: notice)
        )
      }
    case .executions:
      var filter = ExecutionsPage.Filter()
      filter.algorithm = target.parameter("algorithm").flatMap { (try? AlgorithmName(parsing: $0))?.description } ?? ""
      filter.outcome = target.parameter("outcome").flatMap { Outcome(rawValue: $0)?.rawValue } ?? ""
      filter.until = target.parameter("until").flatMap { Timestamp(parsing: $0) }
      let (chosen, unended) = (filter, live.unended)
      answer(exchange, session, viewer) { home throws(StateError) in
        try Self.executions(chosen, unended, home, viewer, notice)
      }
    case .metrics(let name):
      answer(exchange, session, viewer) { home throws(StateError) in try Self.metrics(of: name, home, viewer) }
    case .compare(let name): showComparison(of: name, exchange, session, viewer)
    case .insights: showInsights(exchange, session, viewer, notice)
    case .connect: showConnectForm(exchange, session, viewer)
    case .tryIt(let name): showTry(name, exchange, session, viewer)
    case .execution(let id): showExecution(id, exchange, session, viewer)
    default:
      respond(exchange, .notFound("There is no such page."), session, viewer)
    }
  }

  static let noCommands = ConsoleAnswer.notFound(
    "New commands are published with algo-run publish, or here if serve runs with --allow-publish.")

  static func noSuchAlgorithm(_ name: AlgorithmName) -> ConsoleAnswer {
    .notFound("No version of \(name) is published. Publish one with: algo-run publish \(name) -- COMMAND…")
  }

  /// An hour before a moment.
  static func lastHour(_ now: Timestamp) -> Timestamp { now + .seconds(-3600) }

  private static func algorithms(_ home: StateRoutes, _ viewer: Viewer, _ notice: Notice?) throws(StateError)
    -> ConsoleAnswer
  {
    var latest: [PublishedVersion] = []
    for version in try home.versions.lookup.store.versions() {
      if latest.last?.algorithm == version.algorithm { latest.removeLast() }
      latest.append(version)
    }
    let history = try home.history()
    var activities: [String: AlgorithmsPage.Activity] = [:]
    for activity in try history.activity(since: lastHour(viewer.now)) {
      activities[activity.algorithm, default: .init()].executions += activity.executions
      activities[activity.algorithm, default: .init()].failures += activity.failures
    }
    var rows: [(version: PublishedVersion, activity: AlgorithmsPage.Activity)] = []
    for version in latest {
      var activity = activities[version.algorithm.description] ?? .init()
      let selection = RunSelection(AlgorithmReference(algorithm: version.algorithm, selector: .latest))
      activity.durations = try history.lastDurations(selection, limit: 50)
      rows.append((version, activity))
    }
    return .page(AlgorithmsPage.page(rows, viewer: viewer, notice: notice))
  }

  private static func versions(
    of name: AlgorithmName, _ home: StateRoutes, _ viewer: Viewer, _ notice: Notice?
  ) throws(StateError) -> ConsoleAnswer {
    let all = try home.versions.lookup.store.versions(matching: AlgorithmReference(algorithm: name, selector: .latest))
    guard !all.isEmpty else { return noSuchAlgorithm(name) }
    let activities = try home.history().activity(since: lastHour(viewer.now))
    let rows = all.reversed().map { version in
      var activity = AlgorithmsPage.Activity()
      let found = activities.first { $0.algorithm == name.description && $0.version == version.version }
      (activity.executions, activity.failures) = (found?.executions ?? 0, found?.failures ?? 0)
      return (version: version, activity: activity)
    }
    return .page(VersionsPage.page(rows, of: name, viewer: viewer, notice: notice))
  }

  /// The form again with its errors, or an empty one.
  static func publishForm(
    _ form: PublishPage.Form?, _ name: AlgorithmName, _ home: StateRoutes, _ viewer: Viewer
  ) throws(StateError) -> ConsoleAnswer {
    guard
      let previous = try home.versions.lookup.store.latest(
        matching: AlgorithmReference(algorithm: name, selector: .latest))
    else {
      return noSuchAlgorithm(name)
    }
    var empty = PublishPage.Form()
    empty.insights = previous.insights
    return .page(PublishPage.page(form ?? empty, previous: previous, viewer: viewer))
  }

  private static func metrics(
    of name: AlgorithmName, _ home: StateRoutes, _ viewer: Viewer
  ) throws(StateError) -> ConsoleAnswer {
    let all = AlgorithmReference(algorithm: name, selector: .latest)
    let history = try home.history()
    var drawn: [(version: VersionNumber, rows: [ExecutionRow])] = []
    for reference in try history.versions(RunSelection(all)).suffix(PlotsPage.versions).reversed() {
      guard case .exact(let version) = reference.selector else { continue }
      var rows: [ExecutionRow] = []
      try history.forEachLine(RunSelection(reference), limit: PlotsPage.executions) { line in
        if let row = ExecutionRow(line) { rows.append(row) }
      }
      drawn.append((version, rows))
    }
    if drawn.isEmpty, try home.versions.lookup.store.latest(matching: all) == nil { return noSuchAlgorithm(name) }
    return .page(PlotsPage.page(name, rows: drawn, viewer: viewer))
  }

  private static func executions(
    _ filter: ExecutionsPage.Filter, _ live: [ExecutionsPage.Live], _ home: StateRoutes, _ viewer: Viewer,
    _ notice: Notice?
  ) throws(StateError) -> ConsoleAnswer {
    let history = try home.history()
    var selection = RunSelection(try? AlgorithmReference(parsing: filter.algorithm))
    if !filter.outcome.isEmpty { selection.outcomes = [filter.outcome] }
    selection.until = filter.until
    // Read first: what comes in between is then sent again, not left out.
    let last = try history.lastNumber()
    var rows: [(number: Int64, row: ExecutionRow)] = []
    try history.forEachNumberedLine(selection, limit: ExecutionsPage.rows) { number, line in
      if let row = ExecutionRow(line) { rows.append((number, row)) }
    }
    var algorithms: [String] = []
    for version in try home.versions.lookup.store.versions() where algorithms.last != version.algorithm.description {
      algorithms.append(version.algorithm.description)
    }
    return .page(
      ExecutionsPage.page(
        rows, live: live, last: last, filter: filter, algorithms: algorithms, viewer: viewer, notice: notice))
  }

  private func showExecution(_ id: String, _ exchange: HTTPExchange, _ session: Session, _ viewer: Viewer) {
    if let unended = live.unended.first(where: { $0.requestID == id }) {
      return respond(exchange, .page(ExecutionPage.page(unended, viewer: viewer)), session, viewer)
    }
    let result = calls.call(id).flatMap { $0.hasEnded ? TryText.result(of: $0) : nil }
    answer(exchange, session, viewer) { home throws(StateError) in
      var rows: [ExecutionRow] = []
      try home.history().forEachLine(ofRequest: id) { line in if let row = ExecutionRow(line) { rows.append(row) } }
      guard !rows.isEmpty else {
        return .notFound(
          "There is no execution \(TerminalText.escaped(id, inQuotes: false)); it may have ended long ago.")
      }
      return .page(ExecutionPage.page(rows, result: result, viewer: viewer))
    }
  }
}
