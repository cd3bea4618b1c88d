// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// Looks at a broker's address without librdkafka, which tries again for ever instead of reporting the error. The
/// only file of the test that touches sockets.
struct NetworkProbe {
  /// One address that a name resolved to, ready for connect.
  struct Endpoint: Sendable {
    fileprivate let family: Int32
    fileprivate let bytes: [UInt8]
    /// In numbers.
    let text: String
  }

  /// The result of a look-up.
  enum Resolution: Sendable { case found([Endpoint]), failed(String), timedOut }
  /// The result of a connection.
  enum Contact { case connected(Socket), failed(errno: Int32), timedOut }

  /// The response to a request.
  enum Answer: Sendable { case frame([UInt8]), foreign, closed, silent }

  /// A connected socket that never blocks, closed once.
  struct Socket {
    private let owner: Descriptor
    fileprivate var descriptor: Int32 { owner.withNumber { $0 } }
    fileprivate init(_ number: Int32) { owner = Descriptor(owning: number) }
  }

  /// Looks names up, all at the same time, until a limit. getaddrinfo cannot be given up, so each has a thread that is
  /// left behind then.
  static func resolve(_ addresses: [BrokerAddress], within limit: Duration) -> [Resolution] {
    let end = MonotonicInstant.now() + limit
    let lookups = addresses.map { address in try? Thread.start { lookUp(address) } }
    return lookups.map { lookup in
      guard let lookup else { return .failed("no thread can be started") }
      return lookup.join(until: end) ?? .timedOut
    }
  }

  private static func lookUp(_ address: BrokerAddress) -> Resolution {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(address.host, String(address.port), &hints, &list)
    guard code == 0 else {
      return unsafe .failed(code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code)))
    }
    defer { unsafe freeaddrinfo(list) }
    var endpoints: [Endpoint] = []
    var next = unsafe list
    while let entry = unsafe next {
      unsafe next = entry.pointee.ai_next
      guard let raw = unsafe entry.pointee.ai_addr else { continue }
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      unsafe getnameinfo(raw, entry.pointee.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
      unsafe endpoints.append(
        Endpoint(
          family: entry.pointee.ai_family,
          bytes: [UInt8](UnsafeRawBufferPointer(start: raw, count: Int(entry.pointee.ai_addrlen))),
          text: String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)))
    }
    return endpoints.isEmpty ? .failed("the name has no address") : .found(endpoints)
  }

  /// Connects, at most so long.
  static func connect(_ endpoint: Endpoint, within limit: Duration) -> Contact {
    connect([endpoint], within: limit).first ?? .timedOut
  }

  /// Connects to all at the same time, until a limit: one that does not answer takes no time from the others.
  static func connect(_ endpoints: [Endpoint], within limit: Duration) -> [Contact] {
    let end = MonotonicInstant.now() + limit
    var sockets: [Socket] = []
    var contacts = endpoints.map { endpoint -> Contact? in
      let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
      let socket = Socket(Glibc.socket(endpoint.family, kind, 0))
      sockets.append(socket)
      guard socket.descriptor >= 0 else { return .failed(errno: errno) }
      let status = unsafe endpoint.bytes.withUnsafeBytes { bytes in
        unsafe bytes.baseAddress.map {
          unsafe Glibc.connect(socket.descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        } ?? -1
      }
      if status == 0 { return .connected(socket) }
      return errno == EINPROGRESS ? nil : .failed(errno: errno)
    }
    while true {
      let open = contacts.indices.filter { contacts[$0] == nil }
      var watched = open.map { pollfd(fd: sockets[$0].descriptor, events: Int16(POLLOUT), revents: 0) }
      guard !open.isEmpty, unsafe poll(&watched, nfds_t(watched.count), milliseconds(until: end)) > 0 else { break }
      for (index, state) in zip(open, watched) where state.revents != 0 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(state.fd, SOL_SOCKET, SO_ERROR, &code, &size)
        contacts[index] = code == 0 ? .connected(sockets[index]) : .failed(errno: code)
      }
    }
    return contacts.map { $0 ?? .timedOut }
  }

  /// The time left until then, rounded up; never negative, which would mean for ever.
  fileprivate static func milliseconds(until end: MonotonicInstant) -> Int32 {
    let left = (end - .now()).wholeMicroseconds
    return left <= 0 ? 0 : Int32(clamping: left / 1000 + 1)
  }
}

extension NetworkProbe.Socket {
  /// More than any answer that is asked for has.
  private static let longestFrame = 65_536

  /// Whether the other side answers the hello of TLS by TLS, at most so late. The socket is of no use afterwards.
  func answersTLS(within limit: Duration) -> Bool {
    guard unsafe send(descriptor, Self.hello, Self.hello.count, Int32(MSG_NOSIGNAL)) == Self.hello.count else {
      return false
    }
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var answer: [UInt8] = [0, 0]
    guard unsafe poll(&watched, 1, NetworkProbe.milliseconds(until: .now() + limit)) > 0,
      unsafe recv(descriptor, &answer, answer.count, 0) == answer.count
    else { return false }
    // A record with an alert or a handshake message, of version 3.
    return [0x15, 0x16].contains(answer[0]) && answer[1] == 3
  }

  /// The least ClientHello of TLS 1.2 (RFC 5246, 7.4.1.2): no session, one cipher suite, no extensions. A listener of
  /// TLS answers it, be it with an alert.
  private static let hello: [UInt8] =
    [0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3] + [UInt8](repeating: 0x61, count: 32) + [0, 0, 2, 0xc0, 0x2f, 1, 0]

  /// Sends a Kafka request and waits at most so long for the answer, which is given without its length.
  func ask(_ request: [UInt8], within limit: Duration) -> NetworkProbe.Answer {
    // Small enough for the buffer of any new connection.
    guard unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return .closed }
    let end = MonotonicInstant.now() + limit
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      if bytes.count >= 4 {
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard (4...Self.longestFrame).contains(length) else { return .foreign }
        if bytes.count >= 4 + length { return .frame(Array(bytes[4..<4 + length])) }
      }
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&watched, 1, NetworkProbe.milliseconds(until: end)) > 0 else {
        return bytes.isEmpty ? .silent : .foreign
      }
      let count = unsafe recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { return bytes.isEmpty ? .closed : .foreign }
      bytes += piece[..<count]
    }
  }
}
