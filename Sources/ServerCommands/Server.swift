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
  /// When what still runs is stopped; nil before the first signal.
  private var drainEnd: MonotonicInstant?

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
    calls = CallService(executor, payloads: payloads, history: history, settings: settings)
    api = try ServerAPI(calls, home: home, settings: settings, loop: loop)
    var limits = HTTPLimits()
    limits.maxBody = settings.maxBody
    limits.maxConnections = settings.maxConnections
    limits.spillDirectory = settings.spillDirectory
    http = try HTTPServer(api, loop: loop, limits: limits)
  }

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
      for signal in supervisor.takeSignals() where [SIGTERM, SIGINT, SIGHUP].contains(signal.number) { endSoon() }
      // Executions first: their answers leave in the same turn.
      calls.advance()
      api.advance()
      http.advance()
      // A request that just came may have ended without a child.
      calls.advance()
      if let drainEnd, drainEnd <= .now() {
        calls.stop()
        self.drainEnd = nil
      }
    }
    http.close()
    supervisor.dismissGuardian()
  }

  private var isOver: Bool { calls.isDraining && calls.isIdle && http.connectionCount == 0 }

  private var nextDue: MonotonicInstant? {
    [calls.nextDue, api.nextDue, http.nextDue, drainEnd].compactMap(\.self).min()
  }

  /// The first signal begins the drain, the second ends it.
  private func endSoon() {
    if calls.isDraining { return calls.stop() }
    willEnd()
    calls.drain()
    drainEnd = .now() + settings.drain
    http.drain()
  }
}
