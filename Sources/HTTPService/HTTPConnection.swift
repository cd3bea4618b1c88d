// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// A connection and its deadlines. The library knows only inactivity, which a byte now and then ends.
final class HTTPConnection: TimerHandler, EventHandler {
  private enum Phase {
    /// No request, or an incomplete header.
    case idle(since: MonotonicInstant)
    /// So many bytes of a body or response since the last look. At each look they are counted and buy time until the
    /// next one, at ``HTTPLimits/slowestRate``.
    case moving(bytes: Int)
    /// The application works on the response.
    case waiting
  }

  let descriptor: Descriptor
  /// Numeric, or `unix`.
  let clientAddress: String
  let check: HeaderCheck
  /// Nil while it ends.
  private(set) weak var listener: HTTPListener?
  private unowned let server: HTTPServer
  private var phase = Phase.idle(since: .now())
  private var timer: Timer?
  private var isShutDown = false
  /// Bytes of responses that the client's side had not taken at the last look.
  private var untaken = 0
  /// Whether a request that came at its end was let through.
  private var wasSpared = false
  /// The exchange that the connection was suspended for last.
  private(set) weak var waiting: HTTPExchange?
  /// Reports once that the client closed its side, of which the library hears nothing while the connection is suspended.
  /// It stays until the connection ends: two system calls less for each request.
  private var watch: Registration?
  private var hasHungUp = false

  init(_ number: Int32, on listener: HTTPListener, server: HTTPServer) {
    // The library owns the socket, and closes it after the last call about this connection.
    descriptor = Descriptor(lending: number)
    clientAddress = Self.peer(of: descriptor)
    (self.listener, check) = (listener, listener.check)
    self.server = server
    timer = loop.schedule(at: .now() + limits.headerTime, self)
  }

  var loop: EventLoop { server.loop }
  var limits: HTTPLimits { server.limits }
  var application: any HTTPApplication { server.application }
  var isDraining: Bool { server.isDraining }
  var closesAfterResponse: Bool { server.closesAfterResponse }

  /// When it became idle; nil while a request is on it, and once it was ended.
  var idleSince: MonotonicInstant? {
    if case .idle(let moment) = phase, !isShutDown { moment } else { nil }
  }

  /// A request begins: its body may follow.
  func begin() { move() }

  /// A response begins; its size in bytes. The library sends those in memory, unseen.
  func respond(size: Int) {
    move()
    progress(min(size, RequestBody.memoryLimit))
  }

  /// Counts bytes of the body or the response.
  func progress(_ bytes: Int) {
    if case .moving(let before) = phase { phase = .moving(bytes: before + bytes) }
  }

  /// It is suspended, without a deadline of its own: the application has one.
  func wait(for exchange: HTTPExchange) {
    phase = .waiting
    timer?.cancel()
    waiting = exchange
    if watch == nil {
      watch = try? loop.register(descriptor, [.hangUp, .once], self)
    } else if hasHungUp {
      // It is to be reported again.
      watch?.change(to: [.hangUp, .once])
    }
  }

  /// The client closed its side.
  func ready(_ registration: Registration, for events: Interest) {
    hasHungUp = true
    waiting?.abandon()
  }

  /// The library continues with it in its next run.
  func resumed() { server.hasResumed = true }

  /// The request is over, and the connection waits for the next one.
  func ended(_ exchange: HTTPExchange) {
    phase = .idle(since: .now())
    timer?.set(to: .now() + (isDraining ? limits.drainIdleTime : limits.idleTime))
  }

  /// Ends it soon if it is idle. A client that was active just now may have sent its next request already.
  func drain() {
    guard let idleSince else { return }
    timer?.set(to: idleSince + limits.drainIdleTime)
  }

  func fired(_ timer: Timer, at now: MonotonicInstant) {
    if case .moving(let bytes) = phase {
      if let time = timeBought(by: bytes) { return timer.set(to: now + time) }
      dropUnsent()
    }
    if isDraining, !wasSpared, hasUnread {
      wasSpared = true
      return timer.set(to: now + limits.headerTime)
    }
    shutDown()
  }

  /// Whether bytes came that the library has not read.
  private var hasUnread: Bool {
    var byte: UInt8 = 0
    return descriptor.withNumber { unsafe recv($0, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) } > 0
  }

  /// The library has closed the connection.
  func closed() {
    timer?.cancel()
    watch?.cancel()
    server.disconnected(self)
  }

  /// Ends the connection: the library has no call for it, and notices this in its next run.
  func shutDown() {
    timer?.cancel()
    isShutDown = true
    descriptor.withNumber { _ = shutdown($0, Int32(SHUT_RDWR)) }
  }

  private static func peer(of descriptor: Descriptor) -> String {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let result = descriptor.withNumber { number in
      unsafe withUnsafeMutableBytes(of: &address) {
        unsafe getpeername(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
      }
    }
    guard result == 0, address.sin6_family != sa_family_t(AF_UNIX) else { return "unix" }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let isFour = address.sin6_family == sa_family_t(AF_INET)
    // The address begins behind the port, and in IPv6 behind the flow number, too.
    unsafe withUnsafeBytes(of: &address) {
      _ = unsafe inet_ntop(
        isFour ? AF_INET : AF_INET6, $0.baseAddress?.advanced(by: isFour ? 4 : 8), &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func move() {
    phase = .moving(bytes: 0)
    timer?.set(to: .now() + limits.headerTime)
  }

  /// Has the kernel drop what it holds for the client once the library closes: it would keep it until the client reads.
  private func dropUnsent() {
    var atOnce = linger(l_onoff: 1, l_linger: 0)
    descriptor.withNumber {
      _ = unsafe setsockopt($0, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
    }
  }

  /// The time until the next look at a body or response; nil if less than a second's bytes moved. Bytes that only the
  /// kernel took do not count: it holds millions for a client that reads nothing.
  private func timeBought(by bytes: Int) -> Duration? {
    var left: Int32 = 0
    descriptor.withNumber { _ = unsafe ioctl($0, UInt(TIOCOUTQ), &left) }
    let moved = bytes + untaken - Int(left)
    untaken = Int(left)
    phase = .moving(bytes: 0)
    guard moved >= limits.slowestRate else { return nil }
    return min(.milliseconds(moved * 1000 / limits.slowestRate), limits.headerTime * 2)
  }
}
