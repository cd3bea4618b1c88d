// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import RunModel

/// Why no broker answered a request, from the library's text and the behaviour of the listener.
///
/// The library has no error for a listener that is silent or closes: it reports that a broker is down, or nothing.
enum Unanswered {
  /// - Parameters:
  ///   - cause: the last error of the library; nil if there was none.
  ///   - listener: the kind of listener at the address; nil if that was not looked at.
  ///   - waited: how long the library has tried.
  static func verdict(
    _ cause: KafkaCause?, _ listener: ListenerKind?, connection: Connection, waited: Duration
  ) -> StageResult.Verdict {
    switch listener {
    case .encrypted:
      return .failed(
        cause: "the broker speaks TLS on this port, and the connection is plaintext",
        hint: "Use `connection set --type sasl_ssl`, or the port of its PLAINTEXT listener.", isFirm: true)
    case .login(let mechanisms):
      let offered = mechanisms.map { TerminalText.escaped($0) }.joined(separator: ", ")
      return .failed(
        cause: "the broker closes the connection at the first request: this port wants a login (\(offered)), and the "
          + "connection has none",
        hint: "Use `connection set --type sasl_ssl` with the port of its SASL_SSL listener, or the port of its "
          + "PLAINTEXT listener.",
        isFirm: true)
    case .foreign:
      return .failed(
        cause: "what listens on this port answers, and not as a Kafka broker does",
        hint: "Check the port in --brokers.", isFirm: true)
    case .closing: return closed
    case .silent: return silence(waited)
    case .open, .unknown, nil: break
    }
    guard let cause else { return silence(waited) }
    guard !cause.isSummary else { return closed }
    return .failed(cause: cause.text, hint: Hint.ofMetadata(cause, brokers: connection.brokers))
  }

  private static let closed = StageResult.Verdict.failed(
    cause: "the broker closes the connection without an answer",
    hint: "Does its listener want a login or TLS that the connection lacks (`connection set --type sasl_ssl`), or is "
      + "this the port of something else? The broker's log has the reason.")

  private static func silence(_ waited: Duration) -> StageResult.Verdict {
    .failed(
      cause: "the broker accepts the connection and did not answer within \(max(1, waited.components.seconds)) s",
      hint: "Is there a firewall or a proxy between, or is this not the port of a Kafka broker? If it is, see its log.")
  }
}

extension KafkaCause {
  /// The address that a broker gave of itself or another, where the words are about that: `host:port` of
  /// `sasl_ssl://host:port/1: …`. One that --brokers gave has `bootstrap` in the place of the number.
  var advertisedAddress: String? {
    let bytes = Array(text.utf8)
    var start = 0
    if let scheme = bytes.indices.first(where: { bytes[$0...].starts(with: "://".utf8) }),
      bytes[..<scheme].allSatisfy({ $0 == UInt8(ascii: "_") || (0x61...0x7a).contains($0) })
    {
      start = scheme + 3
    }
    guard let slash = bytes[start...].firstIndex(of: UInt8(ascii: "/")) else { return nil }
    let number = bytes[(slash + 1)...].prefix { (0x30...0x39).contains($0) }
    let address = String(decoding: bytes[start..<slash], as: UTF8.self)
    guard !number.isEmpty, bytes[number.endIndex...].first == UInt8(ascii: ":"),
      BrokerAddress(parsing: address) != nil
    else { return nil }
    return address
  }

  /// The words after `sasl_ssl://host:port/1: `.
  var textWithoutAddress: String {
    let bytes = Array(text.utf8)
    guard let end = bytes.indices.dropLast().first(where: { bytes[$0...].starts(with: ": ".utf8) }) else { return text }
    return String(decoding: bytes[(end + 2)...], as: UTF8.self)
  }

  /// Whether it is about a TLS handshake with the broker at `address`.
  func isHandshake(with address: BrokerAddress) -> Bool {
    text.containsBytes("//\(address)/")
      && (code == RD_KAFKA_RESP_ERR__SSL.rawValue || text.containsBytes("SSL handshake"))
  }

  /// Whether a connection was not ready for requests in time, wherever it stopped.
  var isSetupTimeout: Bool { text.containsBytes("setup timed out") }

  /// Whether the other side ended a connection.
  var isDisconnection: Bool { text.containsBytes("isconnected") || text.containsBytes("unexpected eof") }

  /// Whether a question was sent and only its answer is missing.
  var isLateAnswer: Bool { code == RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue }
}
