internal import CRDKafka
internal import Glibc
internal import Synchronization

/// Looks at a broker's address without librdkafka, which tries again for ever instead of telling what is wrong. The
/// only file of the test that touches sockets.
struct NetworkProbe {
  /// One address that a name resolved to, ready for connect.
  struct Endpoint: Sendable {
    fileprivate let family: Int32
    fileprivate let bytes: [UInt8]
    /// In numbers.
    let text: String
  }

  /// What a name is.
  enum Resolution: Sendable { case found([Endpoint]), failed(String), timedOut }
  /// What came of a connection.
  enum Contact { case connected(Socket), failed(errno: Int32), timedOut }

  /// A connected socket, closed once.
  final class Socket {
    fileprivate let descriptor: Int32
    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }
  }

  /// What a handshake told.
  struct Handshake: Sendable, Equatable {
    enum Result: Sendable, Equatable { case trusted, untrusted(code: Int), none, unavailable }
    let result: Result
    /// OpenSSL's words.
    let words: String
    /// Whom the certificate is for, and until when.
    let subject: String
    let expiry: String
  }

  /// Looks a name up, at most so long. getaddrinfo cannot be given up, so it has a thread that is left behind then.
  static func resolve(_ address: BrokerAddress, within limit: Duration) -> Resolution {
    let lookup = NameLookup(address)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(lookup)
    let started = SignalFreeThread.start(&thread, context.toOpaque()) { context in
      if let context { Unmanaged<NameLookup>.fromOpaque(context).takeRetainedValue().run() }
      return nil
    }
    guard started else {
      context.release()
      return .failed("no thread can be started")
    }
    pthread_detach(thread)
    lookup.done.wait(milliseconds: Int32(clamping: limit.components.seconds * 1000 + 1))
    return lookup.result ?? .timedOut
  }

  fileprivate static func lookUp(_ address: BrokerAddress) -> Resolution {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.host, String(address.port), &hints, &list)
    guard code == 0 else {
      return .failed(code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code)))
    }
    defer { freeaddrinfo(list) }
    var endpoints: [Endpoint] = []
    var next = list
    while let entry = next {
      next = entry.pointee.ai_next
      guard let raw = entry.pointee.ai_addr else { continue }
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      getnameinfo(raw, entry.pointee.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
      endpoints.append(
        Endpoint(
          family: entry.pointee.ai_family,
          bytes: [UInt8](UnsafeRawBufferPointer(start: raw, count: Int(entry.pointee.ai_addrlen))),
          text: String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)))
    }
    return endpoints.isEmpty ? .failed("the name has no address") : .found(endpoints)
  }

  /// Connects, at most so long.
  static func connect(_ endpoint: Endpoint, within limit: Duration) -> Contact {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(endpoint.family, kind, 0)
    guard descriptor >= 0 else { return .failed(errno: errno) }
    let socket = Socket(descriptor)
    let status = endpoint.bytes.withUnsafeBytes { bytes in
      bytes.baseAddress.map {
        Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
      } ?? -1
    }
    if status != 0 {
      guard errno == EINPROGRESS else { return .failed(errno: errno) }
      var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&watched, 1, Int32(clamping: limit.components.seconds * 1000)) > 0 else { return .timedOut }
      var code: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
      guard code == 0 else { return .failed(errno: code) }
    }
    // From here on blocking, with a time limit for each call.
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    var time = timeval(tv_sec: Int(limit.components.seconds), tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    return .connected(socket)
  }

  /// Shakes hands by TLS; the socket is of no use afterwards.
  static func shakeHands(_ socket: Socket, host: String, authority: String?) -> Handshake {
    var code = 0
    var words = [CChar](repeating: 0, count: 256)
    var subject = words
    var expiry = words
    let result = tls_probe(
      socket.descriptor, host, authority, &code, &words, words.count, &subject, subject.count, &expiry, expiry.count)
    func text(_ buffer: [CChar]) -> String {
      String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    let verdict: Handshake.Result =
      switch result {
      case TLS_PROBE_OK: .trusted
      case TLS_PROBE_CERTIFICATE: .untrusted(code: code)
      case TLS_PROBE_HANDSHAKE: .none
      default: .unavailable
      }
    return Handshake(result: verdict, words: text(words), subject: text(subject), expiry: text(expiry))
  }

  /// Whether the other side answers an unencrypted Kafka request (ApiVersions, version 0).
  static func speaksPlainKafka(_ socket: Socket) -> Bool {
    // Length 10; API 18, version 0; correlation 0x616c676f; no client id.
    let request: [UInt8] = [0, 0, 0, 10, 0, 18, 0, 0, 0x61, 0x6c, 0x67, 0x6f, 0xff, 0xff]
    guard send(socket.descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      return false
    }
    var answer = [UInt8](repeating: 0, count: 8)
    guard recv(socket.descriptor, &answer, answer.count, Int32(MSG_WAITALL)) == answer.count else {
      return false
    }
    return answer[4...] == request[8..<12]
  }
}

/// A lookup that may outlive the one who asked.
private final class NameLookup: Sendable {
  let address: BrokerAddress
  let done = WakePipe()
  private let outcome = Mutex<NetworkProbe.Resolution?>(nil)

  init(_ address: BrokerAddress) { self.address = address }

  var result: NetworkProbe.Resolution? { outcome.withLock { $0 } }

  func run() {
    let found = NetworkProbe.lookUp(address)
    outcome.withLock { $0 = found }
    done.wake()
  }
}
