// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// `host:port`, `[v6]:port` or a host alone with Kafka's port, as librdkafka reads them.
public struct BrokerAddress: Sendable, Equatable, CustomStringConvertible {
  /// Why a text is not an address.
  public enum Problem: Error, Sendable, Equatable {
    /// Nothing, or nothing before the port.
    case noHost
    /// A space or a control character.
    case space
    /// `kafka://host:9092`.
    case scheme(String)
    /// `host:9092/topic`.
    case path
    /// `user@host:9092`.
    case user
    /// No number, or none from 1 to 65535.
    case port
    /// An IPv6 address whose last part may be a port.
    case noBrackets
    /// Brackets around something else.
    case noIPv6Address
    /// More than 253 characters, or more than 63 between two dots.
    case hostTooLong
    /// Anything else that is not a host name.
    case hostName
  }

  /// The port that Kafka listens on by convention.
  static let standardPort: UInt16 = 9092

  /// RFC 1035, 2.3.4, without the length bytes of the wire format.
  private static let longestHost = 253
  private static let longestLabel = 63

  /// Name or numeric address, without brackets.
  public let host: String
  /// 1 to 65535.
  public let port: UInt16

  /// Takes one address of a list; nil if it is none.
  public init?(parsing text: some StringProtocol) { try? self.init(validating: text) }

  /// Takes one address of a list.
  public init(validating text: some StringProtocol) throws(Problem) {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty else { throw .noHost }
    guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { throw .space }
    if let slash = bytes.firstIndex(of: UInt8(ascii: "/")) {
      let isScheme = slash > 0 && bytes[slash - 1] == UInt8(ascii: ":") && bytes[slash...].starts(with: "//".utf8)
      throw isScheme ? .scheme(String(decoding: bytes[..<(slash - 1)], as: UTF8.self)) : .path
    }
    guard !bytes.contains(UInt8(ascii: "@")) else { throw .user }

    var host = bytes[...]
    var port: ArraySlice<UInt8>?
    if host.first == UInt8(ascii: "[") {
      guard let close = host.firstIndex(of: UInt8(ascii: "]")) else { throw .noIPv6Address }
      let rest = host[(close + 1)...]
      host = host[1..<close]
      guard Self.isIPv6(host) else { throw .noIPv6Address }
      if !rest.isEmpty {
        guard rest.first == UInt8(ascii: ":") else { throw .port }
        port = rest.dropFirst()
      }
    } else {
      if let colon = host.lastIndex(of: UInt8(ascii: ":")) {
        port = host[(colon + 1)...]
        host = host[..<colon]
      }
      guard !host.contains(UInt8(ascii: ":")) else { throw .noBrackets }
      try Self.checkName(host)
    }
    self.host = String(decoding: host, as: UTF8.self)
    self.port = try port.map(Self.number) ?? Self.standardPort
  }

  private static func number(_ digits: ArraySlice<UInt8>) throws(Problem) -> UInt16 {
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = UInt16(String(decoding: digits, as: UTF8.self)), number > 0
    else { throw .port }
    return number
  }

  private static func isIPv6(_ host: ArraySlice<UInt8>) -> Bool {
    // A zone (`fe80::1%eth0`) is for the resolver to judge.
    let address = String(decoding: host.prefix { $0 != UInt8(ascii: "%") }, as: UTF8.self)
    var parsed = in6_addr()
    return unsafe inet_pton(AF_INET6, address, &parsed) == 1
  }

  /// Also takes what no registry gives out and local name servers serve, such as `broker_1`.
  private static func checkName(_ name: ArraySlice<UInt8>) throws(Problem) {
    guard !name.isEmpty else { throw .noHost }
    // A dot at the end means that the name is complete.
    let relative = name.last == UInt8(ascii: ".") ? name.dropLast() : name
    guard relative.count <= longestHost else { throw .hostTooLong }
    for label in relative.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard label.count <= longestLabel else { throw .hostTooLong }
      guard !label.isEmpty, label.allSatisfy(isNameCharacter), label.first != UInt8(ascii: "-"),
        label.last != UInt8(ascii: "-")
      else { throw .hostName }
    }
  }

  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// As it is written for librdkafka.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
