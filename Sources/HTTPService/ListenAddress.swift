// SPDX-License-Identifier: Apache-2.0
/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/algo-run.sock`.
public enum ListenAddress: Sendable, Equatable, CustomStringConvertible {
  /// An IPv4 or IPv6 address, without brackets, and a port; 0 for any free one.
  case tcp(host: String, port: UInt16)
  /// The path of a socket.
  case unix(String)

  /// The addresses that are used by default.
  public static let standard: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 8080), .tcp(host: "::1", port: 8080)]

  /// Nil if the text is not an address. A host name is not one: its addresses may change.
  public init?(parsing text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      // sockaddr_un holds 107 bytes and a NUL.
      guard (1...107).contains(path.utf8.count), !path.utf8.contains(0) else { return nil }
      self = .unix(path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    guard ListeningSocket.isAddress(String(host)) else { return nil }
    self = .tcp(host: String(host), port: port)
  }

  /// Whether only processes of this machine can connect.
  public var isLocal: Bool {
    switch self {
    case .tcp(let host, _): host == "::1" || host.hasPrefix("127.")
    case .unix: true
    }
  }

  /// As it is written in the option.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
