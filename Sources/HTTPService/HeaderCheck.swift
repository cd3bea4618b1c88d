// SPDX-License-Identifier: Apache-2.0
/// Refuses requests that two servers could read in two ways, and those that a page of another site sends.
struct HeaderCheck: Sendable {
  /// A refusal: its status and one sentence.
  struct Refusal: Error, Equatable {
    /// The HTTP status.
    let status: Int
    /// One sentence that ends in what to do.
    let message: String
    /// Whether the end of the request is unknown, so that nothing more may be read from its connection.
    var closes = false
  }

  /// Names that any port may follow.
  private let allowedHosts: Set<String>
  /// `localhost`, `127.0.0.1` and `[::1]` with the port that is listened on.
  private let ownHosts: Set<String>

  /// - Parameters:
  ///   - port: that the server listens on; nil for a Unix socket.
  ///   - allowedHosts: further names of the server, which any port may follow.
  init(port: UInt16?, allowedHosts: [String]) {
    let names = ["localhost", "127.0.0.1", "[::1]"]
    let own = port.map { port in names.map { "\($0):\(port)" } } ?? []
    // A client leaves port 80 out.
    ownHosts = Set(port == 80 ? own + names : own)
    self.allowedHosts = Set(allowedHosts.map { $0.lowercased() } + (port == nil ? ["localhost"] : []))
  }

  /// - Throws: the first reason to refuse the request.
  func check(_ request: HTTPRequest) throws(Refusal) {
    try checkFraming(request)
    guard let host = request["host"]?.lowercased(), isAllowed(host) else {
      throw Refusal(
        status: 421,
        message: "this server has another name; call it by its address, or allow the name with --allowed-host.")
    }
    if let authority = request.target.authority, authority.lowercased() != host {
      throw Refusal(status: 400, message: "target and Host name two servers; send the same in both.", closes: true)
    }
    if !request.isSafe { try checkOrigin(request, host: host) }
  }

  private func checkFraming(_ request: HTTPRequest) throws(Refusal) {
    func refuse(_ fact: String) -> Refusal {
      Refusal(status: 400, message: "\(fact); send a request with one meaning.", closes: true)
    }
    var (lengths, encodings, hosts, authorizations) = (0, 0, 0, 0)
    for (name, value) in request.headers {
      guard !name.isEmpty, name.allBytes(Self.isTokenByte) else { throw refuse("a header has no valid name") }
      guard value.allBytes({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
        throw refuse("a header has control characters")
      }
      switch name {
      case "content-length": lengths += 1
      case "transfer-encoding": encodings += 1
      case "host": hosts += 1
      case "authorization": authorizations += 1
      default: break
      }
    }
    guard lengths < 2 else { throw refuse("there are two Content-Length headers") }
    guard lengths == 0 || encodings == 0 else { throw refuse("it has Content-Length and Transfer-Encoding") }
    if encodings > 0, encodings > 1 || request["transfer-encoding"]?.lowercased() != "chunked" {
      throw refuse("its Transfer-Encoding is not just chunked")
    }
    if let length = request["content-length"] {
      guard (1...18).contains(length.utf8.count), length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw refuse("its Content-Length is not a number")
      }
    }
    guard hosts < 2 else { throw refuse("there are two Host headers") }
    guard authorizations < 2 else { throw refuse("there are two Authorization headers") }
  }

  /// A name that resolves to this machine makes the page of an attacker one of ours (DNS rebinding), so the name
  /// counts.
  private func isAllowed(_ host: String) -> Bool {
    ownHosts.contains(host) || allowedHosts.contains(host) || allowedHosts.contains(Self.withoutPort(host))
  }

  /// Browsers report the page that sends a request; other clients send neither header.
  private func checkOrigin(_ request: HTTPRequest, host: String) throws(Refusal) {
    let foreign = Refusal(status: 403, message: "a page of another site sent this; call the server from a program.")
    let sites = request.all("sec-fetch-site")
    if !sites.isEmpty {
      guard sites == ["same-origin"] else { throw foreign }
      return
    }
    for origin in request.all("origin") {
      let origin = origin.lowercased()
      guard origin == "http://\(host)" || origin == "https://\(host)" else { throw foreign }
    }
  }

  private static func withoutPort(_ host: String) -> String {
    guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return host }
    return String(host[..<colon])
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      true
    default: "!#$%&'*+.^_`|~".utf8.contains(byte)
    }
  }
}

extension String {
  /// Whether all bytes satisfy a predicate; of the bytes in their place, since an iterator of them costs several times as
  /// much.
  fileprivate func allBytes(_ predicate: (UInt8) -> Bool) -> Bool {
    unsafe utf8.withContiguousStorageIfAvailable { unsafe $0.allSatisfy(predicate) } ?? utf8.allSatisfy(predicate)
  }
}
