/// Tells apart what librdkafka calls "certificate verify failed": wrong authority, wrong name, expired.
enum CertificateVerdict {
  /// OpenSSL's codes (`X509_V_ERR_…`, x509_vfy.h), the same in 1.1 and 3.
  private static let notYetValid = 9
  private static let expired = 10
  private static let unknownAuthority: Set = [2, 18, 19, 20, 21]
  private static let wrongName: Set = [62, 64]

  static func of(
    _ handshake: NetworkProbe.Handshake, host: String, hasOwnAuthority: Bool, verifies: Bool, identifies: Bool,
    unencrypted: @autoclosure () -> ListenerKind
  ) -> StageResult.Verdict {
    switch handshake.result {
    case .trusted: return .passed("certificate \(handshake.subject), valid until \(handshake.expiry)")
    case .unavailable: return .skipped("cannot look at the certificate: \(handshake.words)")
    case .none, .silent:
      switch unencrypted() {
      case .open:
        return .failed(
          cause: "the broker speaks no TLS on this port: it answers unencrypted Kafka requests",
          hint: "Use the port of its SASL_SSL listener, or `connection set --type plaintext`.")
      case .login:
        return .failed(
          cause: "the broker speaks no TLS on this port: it answers unencrypted Kafka requests and wants a login",
          hint: "Use the port of its SASL_SSL listener.")
      default: break
      }
      guard handshake.result == .none else {
        return .failed(
          cause: "no TLS handshake: the connection is accepted, and the TLS hello is not answered in time",
          hint: "Is there a firewall or a proxy between, or is this not the port of a Kafka broker?")
      }
      return .failed(
        cause: "no TLS handshake: \(handshake.words)",
        hint: "Is this the port of a TLS listener? Its log tells why it refused.")
    case .untrusted(let code):
      if !verifies || (wrongName.contains(code) && !identifies) {
        return .passed("certificate \(handshake.subject) is not trusted (\(handshake.words)), as the settings allow")
      }
      return failure(code, handshake, host: host, hasOwnAuthority: hasOwnAuthority)
    }
  }

  private static func failure(
    _ code: Int, _ handshake: NetworkProbe.Handshake, host: String, hasOwnAuthority: Bool
  ) -> StageResult.Verdict {
    let subject = handshake.subject
    switch code {
    case expired:
      return .failed(
        cause: "the broker's certificate \(subject) expired at \(handshake.expiry)",
        hint: "The broker needs a new certificate; if it has one, check this machine's clock.")
    case notYetValid:
      return .failed(
        cause: "the broker's certificate \(subject) is not valid yet", hint: "Check this machine's clock.")
    case let code where wrongName.contains(code):
      return .failed(
        cause: "the broker's certificate is for another host: \(subject), not \(host)",
        hint: "Name the broker in --brokers as its certificate does, or give it a certificate for \(host).")
    case let code where unknownAuthority.contains(code):
      return .failed(
        cause: "the broker's certificate \(subject) is signed by an authority that is not trusted here "
          + "(\(handshake.words))",
        hint: hasOwnAuthority
          ? "The file given by --ca is not the authority of this broker: ask for the right one."
          : "Give the broker's authority with `connection set --ca FILE`.")
    default:
      return .failed(
        cause: "the broker's certificate \(subject) is not trusted: \(handshake.words)",
        hint: "Show this to whoever runs the broker.")
    }
  }
}
