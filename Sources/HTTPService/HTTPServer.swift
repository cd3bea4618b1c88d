// SPDX-License-Identifier: Apache-2.0
internal import CMicroHTTPD
internal import Glibc
public import Platform

/// An HTTP server in the turns of an event loop.
///
/// ## Theory of operation
///
/// libmicrohttpd parses requests and writes responses. Its epoll set is registered in our loop; ``advance()`` after each
/// turn runs it, and ``nextDue`` has the moment at which it must be run although nothing is ready: its set is
/// edge-triggered, and a run that is left out loses an upload for ever. While an application works on a response, the
/// connection is suspended. All deadlines are ours (``HTTPConnection``): the library can neither limit a request nor close
/// a connection, so an overdue one is shut down, which the library notices.
public final class HTTPServer: EventHandler, TimerHandler {
  let loop: EventLoop
  let limits: HTTPLimits
  unowned let application: any HTTPApplication
  private var listeners: [HTTPListener] = []
  private var registrations: [Registration] = []
  private var connections: [ObjectIdentifier: HTTPConnection] = [:]
  /// Whether a connection was resumed since the last run, which the library does not always report by its descriptor.
  var hasResumed = false
  /// Whether the server takes no more connections.
  public private(set) var isDraining = false
  /// Whether every response closes its connection.
  public var closesAfterResponse = false
  private var connectedCount = 0
  private var handshakes: Timer?

  /// A server without a listener. It does not keep `application` alive.
  ///
  /// - Throws: ``HTTPFailure/libraryMissing(reason:)``.
  public init(_ application: any HTTPApplication, loop: EventLoop, limits: HTTPLimits) throws(HTTPFailure) {
    try HTTPLibrary.load()
    self.application = application
    self.loop = loop
    self.limits = limits
  }

  /// Serves the clients of `socket`.
  ///
  /// - Throws: ``HTTPFailure/cannotStart(address:)``.
  public func listen(on socket: ListeningSocket, allowedHosts: [String] = []) throws(HTTPFailure) {
    let port: UInt16? = if case .tcp(_, let port) = socket.address { port } else { nil }
    let check = HeaderCheck(port: port, allowedHosts: allowedHosts)
    let listener = try HTTPListener(socket, check: check, server: self)
    listeners.append(listener)
    do throws(SystemError) {
      registrations.append(try loop.register(listener.events, .read, self))
    } catch {
      throw .cannotListen(address: "\(socket.address)", error)
    }
  }

  /// When ``advance()`` must be called even if nothing is ready; nil for never.
  public var nextDue: MonotonicInstant? {
    hasResumed ? .now() : listeners.reduce(nil) { .earliest($0, $1.nextDue) }
  }

  /// Does all work that is due. The owner calls it after each turn, and after the responses that follow from it.
  public func advance() {
    hasResumed = false
    for listener in listeners { listener.run() }
  }

  /// Nothing: the turn has ended, and ``advance()`` follows.
  public func ready(_ registration: Registration, for events: Interest) {}

  /// Whether no connection is open and none can come.
  public var isQuiet: Bool { connections.isEmpty && listeners.allSatisfy { !$0.isAccepting } }

  /// Open connections.
  var connectionCount: Int { connections.count }

  /// Takes no more connections, closes idle ones, and closes each other one after its response.
  public func drain() {
    guard !isDraining else { return }
    (isDraining, closesAfterResponse) = (true, true)
    for listener in listeners { listener.refuseClients() }
    acceptConnected()
    for listener in listeners where !listener.isOwnTCP { listener.quiesce() }
    for connection in connections.values { connection.drain() }
    handshakes = loop.schedule(at: .now() + limits.handshakeTime, self)
  }

  /// The clients that were connecting when the drain began are connected: no more will come.
  public func fired(_ timer: Timer, at now: MonotonicInstant) {
    acceptConnected()
    for listener in listeners { listener.quiesce() }
  }

  /// Accepts all clients that the kernel has connected, of which the library takes a few in each run. The kernel resets
  /// the connections of those that are left when the socket is closed, whatever they have sent.
  private func acceptConnected() {
    var before: Int
    repeat {
      before = connectedCount
      advance()
    } while connectedCount != before
  }

  /// Ends the server, which its owner must do. First wait until ``isQuiet``, or connections are cut.
  public func close() {
    // The library aborts the process if a connection is suspended when it stops.
    for connection in connections.values { connection.waiting?.abandon() }
    advance()
    registrations = []
    listeners = []
  }

  // MARK: Connections

  /// A client connected. At the limit the connection that is idle for longest ends for it, or else the new one.
  func connected(_ number: Int32, on listener: HTTPListener) -> HTTPConnection {
    let connection = HTTPConnection(number, on: listener, server: self)
    connectedCount += 1
    if connections.count >= limits.maxConnections {
      let idle = connections.values.filter { $0.idleSince != nil }
      let longest = idle.min { ($0.idleSince ?? .now()) < ($1.idleSince ?? .now()) }
      (longest ?? connection).shutDown()
    }
    if isDraining { connection.drain() }
    connections[ObjectIdentifier(connection)] = connection
    return connection
  }

  func disconnected(_ connection: HTTPConnection) { connections[ObjectIdentifier(connection)] = nil }
}
