// SPDX-License-Identifier: Apache-2.0
internal import CMicroHTTPD
internal import Platform

/// One daemon of the library, which serves one listening socket.
@safe final class HTTPListener {
  /// Ready when the daemon has work.
  let events: Descriptor
  let check: HeaderCheck
  unowned let server: HTTPServer
  /// Whether clients may still be shaking hands once new ones are refused.
  let isOwnTCP: Bool
  /// Whether clients are accepted.
  private(set) var isAccepting = true
  private let isShared: Bool
  private let listening: Descriptor
  private let daemon: OpaquePointer
  private let callbacks: UnsafeMutablePointer<cmhd_callbacks>
  private var refusals = HTTPRefusals()

  init(_ socket: ListeningSocket, check: HeaderCheck, server: HTTPServer) throws(HTTPFailure) {
    self.check = check
    self.server = server
    let callbacks = UnsafeMutablePointer<cmhd_callbacks>.allocate(capacity: 1)
    unsafe callbacks.initialize(to: Self.callbacks)
    // Somewhat more than our own limit: at that, we choose which connection ends.
    let limit = UInt32(clamping: server.limits.maxConnections + 64)
    guard let daemon = unsafe socket.descriptor.withNumber({ unsafe cmhd_start($0, limit, callbacks) }) else {
      unsafe callbacks.deallocate()
      throw .cannotStart(address: "\(socket.address)")
    }
    // The library owns the socket from here on.
    listening = socket.descriptor.withNumber { Descriptor(lending: $0) }
    socket.descriptor.relinquish()
    isShared = socket.isShared
    isOwnTCP = if case .tcp = socket.address { !socket.isShared } else { false }
    unsafe (self.daemon, self.callbacks) = (daemon, callbacks)
    events = unsafe Descriptor(lending: cmhd_epoll_descriptor(daemon))
    unsafe callbacks.pointee.context = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    unsafe cmhd_stop(daemon)
    unsafe callbacks.deallocate()
  }

  var nextDue: MonotonicInstant? {
    if refusals.areWaiting { return .now() }
    let milliseconds = unsafe cmhd_timeout(daemon)
    return milliseconds < 0 ? nil : .now() + .milliseconds(milliseconds)
  }

  func run() {
    unsafe cmhd_run(daemon)
    for refusal in refusals.takeRest() { server.application.refused(refusal) }
  }

  /// The library answered a request that an application has.
  func takeRefusal(_ status: Int) { _ = refusals.take(status) }

  /// The library answered a request whose header it was reading.
  fileprivate func refused(_ target: String, of connection: HTTPConnection, status: Int) {
    guard refusals.take(status) else { return }
    let path = target.prefix { $0 != "?" }
    server.application.refused(
      HTTPRefusal(status: status, path: String(path), clientAddress: connection.clientAddress))
  }

  /// Lets no further client connect.
  func refuseClients() {
    if isShared { quiesce() } else { listening.withNumber { cmhd_refuse_clients($0) } }
  }

  /// Accepts no further client.
  func quiesce() {
    guard isAccepting else { return }
    isAccepting = false
    let returned = unsafe cmhd_quiesce(daemon)
    if returned >= 0 { Descriptor(owning: returned).close() }
  }

  // MARK: Callbacks

  private static var callbacks: cmhd_callbacks {
    unsafe cmhd_callbacks(
      context: nil,
      log: { context, text in
        guard let listener = unsafe HTTPListener.listener(context) else { return }
        unsafe listener.refusals.logged(String(cString: text))
      },
      connected: { context, descriptor in
        guard let listener = unsafe HTTPListener.listener(context) else { return nil }
        let connection = listener.server.connected(descriptor, on: listener)
        return unsafe Unmanaged.passRetained(connection).toOpaque()
      },
      disconnected: { connection in
        unsafe Unmanaged<HTTPConnection>.fromOpaque(connection).takeRetainedValue().closed()
      },
      begin: { connection, handle, method, target, version in
        let connection = unsafe Unmanaged<HTTPConnection>.fromOpaque(connection).takeUnretainedValue()
        let begun = unsafe BegunRequest(
          connection, handle, method: String(cString: method), target: String(cString: target))
        return unsafe Unmanaged.passRetained(begun).toOpaque()
      },
      header: { unsafe HTTPListener.request($0).header() },
      body: { object, bytes, count in
        unsafe HTTPListener.request(object).exchange.receive(UnsafeRawBufferPointer(start: bytes, count: count))
      },
      ready: { unsafe HTTPListener.request($0).exchange.ready() },
      end: { object, code, status in
        unsafe Unmanaged<BegunRequest>.fromOpaque(object).takeRetainedValue().exchange.end(code, Int(status))
      },
      refused: { connection, target, status in
        guard let connection = unsafe connection else { return }
        let refused = unsafe Unmanaged<HTTPConnection>.fromOpaque(connection).takeUnretainedValue()
        unsafe refused.listener?.refused(String(cString: target), of: refused, status: Int(status))
      })
  }

  fileprivate static func listener(_ context: UnsafeMutableRawPointer?) -> HTTPListener? {
    unsafe context.map { unsafe Unmanaged<HTTPListener>.fromOpaque($0).takeUnretainedValue() }
  }

  fileprivate static func request(_ object: UnsafeMutableRawPointer) -> BegunRequest {
    unsafe Unmanaged<BegunRequest>.fromOpaque(object).takeUnretainedValue()
  }

}

/// A request as the library holds it: its exchange, and the response to a target or header that is none.
@safe private final class BegunRequest {
  let exchange: HTTPExchange
  private let isMalformed: Bool

  init(_ connection: HTTPConnection, _ handle: OpaquePointer, method: String, target: String) {
    connection.begin()
    let parsed = RequestTarget(parsing: target)
    let headers = Headers()
    unsafe cmhd_headers(handle, Unmanaged.passUnretained(headers).toOpaque()) {
      context, name, nameCount, value, count in
      guard let context = unsafe context else { return }
      let headers = unsafe Unmanaged<Headers>.fromOpaque(context).takeUnretainedValue()
      unsafe headers.append(
        UnsafeRawBufferPointer(start: name, count: nameCount), UnsafeRawBufferPointer(start: value, count: count))
    }
    isMalformed = parsed == nil || headers.areMalformed
    let request = HTTPRequest(
      method: method, target: parsed ?? .root, headers: headers.all)
    exchange = unsafe HTTPExchange(request, on: connection, handle: handle)
  }

  func header() -> Int32 {
    guard isMalformed else { return exchange.header(nil) }
    var response = HTTPResponse.error(
      400, "the target or a header cannot be read; send valid escapes and UTF-8.", requestID: exchange.id)
    response.closes = true
    return exchange.header(response)
  }
}

private final class Headers {
  var all: [(name: String, value: String)] = []
  var areMalformed = false

  func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    guard let name = unsafe Self.lowercased(name), let value = unsafe Self.text(value) else {
      areMalformed = true
      return
    }
    all.append((name, value))
  }

  /// The same for a name, in lower case.
  private static func lowercased(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard unsafe bytes.allSatisfy({ $0 < 0x80 }) else {
      return unsafe String(validating: bytes, as: UTF8.self)?.lowercased()
    }
    return unsafe String(unsafeUninitializedCapacity: bytes.count) { name in
      for index in bytes.indices {
        let byte = unsafe bytes[index]
        unsafe name[index] = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
      }
      return bytes.count
    }
  }

  /// Nil for bytes that are not UTF-8; ASCII is known to be.
  private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    if unsafe bytes.allSatisfy({ $0 < 0x80 }) { return unsafe String(decoding: bytes, as: UTF8.self) }
    return unsafe String(validating: bytes, as: UTF8.self)
  }
}
