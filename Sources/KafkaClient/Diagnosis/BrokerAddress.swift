/// `host:port`, `[v6]:port` or a host alone with Kafka's port, as librdkafka reads them.
public struct BrokerAddress: Sendable, Equatable, CustomStringConvertible {
  /// The port that Kafka listens on by convention.
  public static let standardPort: UInt16 = 9092

  /// Name or numeric address, without brackets.
  public let host: String
  /// 1 to 65535.
  public let port: UInt16

  /// Takes one address of a list; nil where it is none.
  public init?(parsing text: some StringProtocol) {
    var host = Substring(text)
    var port = Self.standardPort
    if host.first == "[" {
      guard let close = host.firstIndex(of: "]") else { return nil }
      let rest = host[host.index(after: close)...]
      host = host[host.index(after: host.startIndex)..<close]
      if !rest.isEmpty {
        guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
        port = number
      }
    } else if let colon = host.lastIndex(of: ":") {
      guard let number = UInt16(host[host.index(after: colon)...]), number > 0 else { return nil }
      port = number
      host = host[..<colon]
      // More than one colon without brackets cannot be told apart from a port.
      guard !host.contains(":") else { return nil }
    }
    let isPlain = host.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 0x20 && $0 != "," && $0 != "/" }
    guard !host.isEmpty, isPlain else { return nil }
    self.host = String(host)
    self.port = port
  }

  /// As it is written for librdkafka.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
