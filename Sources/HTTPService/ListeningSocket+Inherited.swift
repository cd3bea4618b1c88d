// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Sockets that systemd listens on and passes on (sd_listen_fds(3)).
extension ListeningSocket {
  private static let first: Int32 = 3
  /// Far more than a unit has: a number beyond it is a mistake.
  private static let limit: Int32 = 64

  /// The sockets that were passed to this process; none without systemd. The variables that announce them are removed,
  /// so that no child takes descriptors of its own for them. Call it before anything else opens descriptors or starts
  /// threads.
  ///
  /// - Throws: ``HTTPFailure/cannotListen(address:_:)`` if one of them is not a listening stream socket.
  public static func inherited() throws(HTTPFailure) -> [ListeningSocket] {
    let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
    let values = variables.map { name in unsafe getenv(name).flatMap { unsafe Int32(String(cString: $0)) } }
    for name in variables { unsafe unsetenv(name) }
    guard values[0] == getpid(), let count = values[1], (1...limit).contains(count) else { return [] }
    var sockets: [ListeningSocket] = []
    for number in first..<first + count {
      do throws(SystemError) {
        // A child has uses of its own for these numbers.
        let descriptor = try Descriptor.duplicating(number)
        close(number)
        sockets.append(ListeningSocket(sharing: descriptor, address: try address(of: descriptor)))
      } catch {
        throw .cannotListen(address: "descriptor \(number), which LISTEN_FDS names", error)
      }
    }
    return sockets
  }

  /// Checks that clients can connect to it, and that it never blocks.
  private static func address(of descriptor: Descriptor) throws(SystemError) -> ListenAddress {
    var (isListening, type): (Int32, Int32) = (0, 0)
    var storage = sockaddr_storage()
    let result = descriptor.withNumber { number in
      var size = socklen_t(MemoryLayout<Int32>.size)
      guard unsafe getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0,
        unsafe getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0,
        fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0
      else { return Int32(-1) }
      size = socklen_t(MemoryLayout<sockaddr_storage>.size)
      return unsafe withUnsafeMutableBytes(of: &storage) {
        unsafe getsockname(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
      }
    }
    guard result == 0 else { throw SystemError(errno) }
    guard isListening != 0, type == Int32(SOCK_STREAM.rawValue) else { throw SystemError(EINVAL) }
    let family = Int32(storage.ss_family)
    return unsafe withUnsafeBytes(of: &storage) { bytes in
      if family == AF_UNIX {
        let path = unsafe bytes.dropFirst(2).prefix { $0 != 0 }
        return .unix(unsafe String(decoding: path, as: UTF8.self))
      }
      let isSix = family == AF_INET6
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      // The address begins behind the port, and in IPv6 behind the flow number, too.
      _ = unsafe inet_ntop(
        isSix ? AF_INET6 : AF_INET, bytes.baseAddress?.advanced(by: isSix ? 8 : 4), &text, socklen_t(text.count))
      let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return .tcp(host: host, port: unsafe UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
    }
  }
}
