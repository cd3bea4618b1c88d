// SPDX-License-Identifier: Apache-2.0
internal import Delivery
public import Execution
internal import Glibc
public import HTTPService
public import Platform
public import ProcessSupervision
public import RunModel
public import StateStore

/// The loop of `serve`: connections, executions and delivery in turns of one event loop, until a signal ends it.
public final class Server {
  private let settings: ServerSettings
  private let loop: EventLoop
  private let supervisor: Supervisor
  private let calls: CallService
  private let api: ServerAPI
  private let http: HTTPServer
  private let payloads: any PayloadQueue
  private let executor: any Executor
  private var lateReport = LateReport()
  /// When no more connections are taken; nil before the first signal, and afterwards.
  private var drainStart: MonotonicInstant?
  /// When what still runs is stopped; nil before the drain.
  private var drainEnd: MonotonicInstant?
  /// Time that payloads under way have at the end: the others stay in the outbox.
  private static let deliveryWait = Duration.seconds(2)

  /// Called when a signal begins the end of the server.
  public var willEnd: () -> Void = {}

  /// A server for a home; it listens on nothing yet.
  ///
  /// - Throws: ``HTTPFailure`` if the library is missing, `SystemError` if there is no thread left.
  public init(
    settings: ServerSettings, home: HomeDirectory, loop: EventLoop, supervisor: Supervisor, executor: any Executor,
    payloads: any PayloadQueue, history: (any ExecutionLog)?
  ) throws {
    self.settings = settings
    self.loop = loop
    self.supervisor = supervisor
    self.payloads = payloads
    self.executor = executor
    let keyed = KeyedCalls(home: home, loop: loop)
    calls = CallService(executor, payloads: payloads, history: history, keyed: keyed, settings: settings)
    api = try ServerAPI(calls, keyed: keyed, home: home, settings: settings, loop: loop)
    var limits = HTTPLimits()
    limits.maxBody = settings.maxBody
    limits.maxConnections = settings.maxConnections
    limits.spillDirectory = settings.spillDirectory
    http = try HTTPServer(api, loop: loop, limits: limits)
  }

  /// Why it cannot take calls now, as `/readyz` shows it; nil if it can.
  public var readinessProblem: String? { api.readiness.problem }

  /// Listens on sockets that were passed on and on all addresses, and reports each by `report`.
  ///
  /// - Throws: ``HTTPFailure`` for the first that cannot be used.
  ///
  /// - Parameter report: also gets the line that opens the console, for a TCP address.
  public func listen(
    inherited: [ListeningSocket] = [], report: (_ address: ListenAddress, _ console: String?) -> Void
  ) throws(HTTPFailure) {
    var sockets = inherited
    for address in settings.addresses { sockets.append(try ListeningSocket(address)) }
    for socket in sockets {
      try http.listen(on: socket, allowedHosts: settings.allowedHosts)
      report(socket.address, api.console.greeting(socket.address))
    }
  }

  /// Serves until a signal ends it and all calls have their answers.
  public func run() {
    while !isOver {
      loop.turn(until: nextDue)
      for signal in supervisor.takeSignals() where Self.ending.contains(signal.number) { endSoon() }
      // Executions first: their answers leave in the same turn, or together with those of the next one.
      calls.advance()
      if calls.gathersAnswers { continue }
      api.advance()
      http.advance()
      // A request that just came may have ended without a child.
      calls.advance()
      for notice in executor.takeNotices() { MessageStream.standardError.print(notice) }
      if let line = lateReport.due(executor.lateMetrics) { MessageStream.standardError.print(line) }
      api.writeLog()
      drainWhenDue()
    }
    http.close()
    api.writeLog()
    executor.close()
    let limit = MonotonicInstant.now() + Self.deliveryWait
    while !executor.isClosed || payloads.counts.waiting > 0 && limit > .now() {
      loop.turn(until: .now() + .milliseconds(20))
      _ = executor.takeCompletions()
      // The guardian ends workers that are left.
      if supervisor.takeSignals().contains(where: { Self.ending.contains($0.number) }) { break }
    }
    supervisor.dismissGuardian()
  }

  private static let ending = [SIGTERM, SIGINT, SIGHUP, SIGQUIT]

  private var isOver: Bool { calls.isDraining && calls.isIdle && http.isQuiet }

  private var nextDue: MonotonicInstant? {
    .earliest(.earliest(calls.nextDue, api.nextDue), .earliest(http.nextDue, .earliest(drainStart, drainEnd)))
  }

  /// The first signal begins the end. The second one skips all waits.
  private func endSoon() {
    guard !api.isEnding else {
      if !calls.isDraining { drain() }
      return calls.stop()
    }
    api.isEnding = true
    http.closesAfterResponse = true
    willEnd()
    if settings.drainDelay > .zero { drainStart = .now() + settings.drainDelay } else { drain() }
  }

  private func drainWhenDue() {
    if let drainStart, drainStart <= .now() { drain() }
    if let drainEnd, drainEnd <= .now() {
      calls.stop()
      self.drainEnd = nil
    }
  }

  private func drain() {
    drainStart = nil
    drainEnd = .now() + settings.drain
    calls.drain()
    http.drain()
  }
}
