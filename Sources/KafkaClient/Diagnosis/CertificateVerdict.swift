// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Distinguishes the cases that librdkafka calls "certificate verify failed": wrong authority, wrong name, expired.
enum CertificateVerdict {
  /// OpenSSL's codes (`X509_V_ERR_…`, x509_vfy.h), the same in 1.1 and 3.
  private static let notYetValid: Int32 = 9
  private static let expired: Int32 = 10
  private static let wrongName: Set<Int32> = [62, 64]
  private static let unknownAuthority: [Int32: String] = [
    2: "its authority is unknown", 18: "it is signed by itself", 19: "its authority is signed by itself",
    20: "its authority is unknown", 21: "its authority is unknown",
  ]

  static func of(
    _ handshake: BrokerDialogue.Handshake, host: String, hasOwnAuthority: Bool, verifies: Bool,
    unencrypted: @autoclosure () -> ListenerKind
  ) -> StageResult.Verdict {
    if case .certificate(let finding) = handshake {
      let certificate = finding.certificate
      let subject = certificate.map { "\($0.shownSubject) (issued by \($0.shownIssuer))" } ?? "(unreadable)"
      let expiry = certificate?.expiry ?? "an unknown time"
      if finding.code == 0 {
        return .passed("certificate \(certificate?.description ?? "\(subject), valid until \(expiry)")")
      }
      guard verifies else { return .passed("certificate \(subject) is not trusted, as the settings allow") }
      return failure(finding.code, subject, expiry, host: host, hasOwnAuthority: hasOwnAuthority)
    }
    switch unencrypted() {
    case .open:
      return .failed(
        cause: "the broker speaks no TLS on this port: it answers unencrypted Kafka requests",
        hint: "Use the port of its SASL_SSL listener, or `connection set --type plaintext`.", isFirm: true)
    case .login:
      return .failed(
        cause: "the broker speaks no TLS on this port: it answers unencrypted Kafka requests and wants a login",
        hint: "Use the port of its SASL_SSL listener.", isFirm: true)
    default: break
    }
    guard case .none(let words) = handshake else {
      return .failed(
        cause: "no TLS handshake: the connection is accepted, and the TLS hello is not answered in time",
        hint: "Is there a firewall or a proxy between, or is this not the port of a Kafka broker?")
    }
    return .failed(
      cause: "no TLS handshake: \(words)",
      hint: "Is this the port of a TLS listener? Its log has the reason.")
  }

  private static func failure(
    _ code: Int32, _ subject: String, _ expiry: String, host: String, hasOwnAuthority: Bool
  ) -> StageResult.Verdict {
    switch code {
    case expired:
      return .failed(
        cause: "the broker's certificate \(subject) expired at \(expiry)",
        hint: "The broker needs a new certificate; if it has one, check this machine's clock.", isFirm: true)
    case notYetValid:
      return .failed(
        cause: "the broker's certificate \(subject) is not valid yet", hint: "Check this machine's clock.")
    case let code where wrongName.contains(code):
      return .failed(
        cause: "the broker's certificate is for another host: \(subject), not \(host)",
        hint: "Name the broker in --brokers as its certificate does, or give it a certificate for \(host).",
        isFirm: true)
    default:
      guard let reason = unknownAuthority[code] else {
        return .failed(
          cause: "the broker's certificate \(subject) is not trusted (OpenSSL's code \(code))",
          hint: "`man openssl-verification-options` lists the codes; show this one to the broker's operator.",
          isFirm: true)
      }
      return .failed(
        cause: "the broker's certificate \(subject) is signed by an authority that is not trusted here (\(reason))",
        hint: hasOwnAuthority
          ? "The file given by --ca is not the authority of this broker: ask for the right one."
          : "Give the broker's authority with `connection set --ca FILE`.",
        isFirm: true)
    }
  }
}
