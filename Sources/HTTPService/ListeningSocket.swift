// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// A socket that clients can connect to.
public struct ListeningSocket {
  /// The socket.
  let descriptor: Descriptor
  /// Where it listens; the port is the one that was chosen.
  public let address: ListenAddress
  /// Whether systemd continues listening on it: clients that wait there are for our successor.
  let isShared: Bool

  init(sharing descriptor: Descriptor, address: ListenAddress) {
    (self.descriptor, self.address, isShared) = (descriptor, address, true)
  }

  /// Listens on `address`. A Unix socket without a listener is replaced; it is made for this user alone.
  ///
  /// - Throws: ``HTTPFailure/cannotListen(address:_:)``.
  public init(_ address: ListenAddress) throws(HTTPFailure) {
    isShared = false
    do throws(SystemError) {
      switch address {
      case .tcp(let host, let port):
        descriptor = try Self.tcp(host, port)
        self.address = .tcp(host: host, port: Self.port(of: descriptor) ?? port)
      case .unix(let path):
        descriptor = try Self.unix(path)
        self.address = address
      }
    } catch {
      throw .cannotListen(address: "\(address)", error)
    }
  }

  /// Whether `host` is a numeric IPv4 or IPv6 address.
  static func isAddress(_ host: String) -> Bool {
    var (four, six) = (in_addr(), in6_addr())
    return unsafe inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
  }

  private static func tcp(_ host: String, _ port: UInt16) throws(SystemError) -> Descriptor {
    let isSix = host.contains(":")
    let descriptor = try socket(isSix ? AF_INET6 : AF_INET)
    try check(
      descriptor.withNumber { number in
        var yes: Int32 = 1
        unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        if isSix {
          // Or it would also take IPv4 connections, for which the default has a socket of its own.
          unsafe setsockopt(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, 4)
          var address = sockaddr_in6()
          address.sin6_family = sa_family_t(AF_INET6)
          address.sin6_port = port.bigEndian
          unsafe inet_pton(AF_INET6, host, &address.sin6_addr)
          return bind(number, address, listening: true)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        unsafe inet_pton(AF_INET, host, &address.sin_addr)
        return bind(number, address, listening: true)
      })
    return descriptor
  }

  private static func unix(_ path: String) throws(SystemError) -> Descriptor {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let probe = try socket(AF_UNIX)
    let isAnswered = probe.withNumber { connect($0, address) } == 0
    guard !isAnswered else { throw SystemError(EADDRINUSE) }
    var status = stat()
    if errno == ECONNREFUSED, unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
      unsafe unlink(path)
    }
    let descriptor = try socket(AF_UNIX)
    // No other user can connect in between: the socket listens only after its rights are set.
    try check(descriptor.withNumber { bind($0, address, listening: false) })
    unsafe chmod(path, 0o600)
    try check(descriptor.withNumber { listen($0, SOMAXCONN) })
    return descriptor
  }

  private static func socket(_ family: Int32) throws(SystemError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = Glibc.socket(family, type, 0)
    try check(number)
    // Above 3, where no child has a use for its number.
    guard number <= 3 else { return Descriptor(owning: number) }
    defer { close(number) }
    return try Descriptor.duplicating(number)
  }

  private static func bind<Address>(_ number: Int32, _ address: Address, listening: Bool) -> Int32 {
    let result = unsafe withUnsafeBytes(of: address) {
      unsafe Glibc.bind(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    return result == 0 && listening ? listen(number, SOMAXCONN) : result
  }

  private static func connect<Address>(_ number: Int32, _ address: Address) -> Int32 {
    unsafe withUnsafeBytes(of: address) {
      unsafe Glibc.connect(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
  }

  private static func port(of descriptor: Descriptor) -> UInt16? {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let result = descriptor.withNumber { number in
      unsafe withUnsafeMutableBytes(of: &address) {
        unsafe getsockname(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
      }
    }
    // The port is at the same place in both families.
    return result == 0 ? UInt16(bigEndian: address.sin6_port) : nil
  }

  private static func check(_ result: Int32) throws(SystemError) {
    if result < 0 { throw SystemError(errno) }
  }
}
