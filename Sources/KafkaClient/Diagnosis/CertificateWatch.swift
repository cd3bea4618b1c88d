// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Synchronization

/// Findings of librdkafka about the certificates of brokers, for `connection test`.
///
/// Its own words are "certificate verify failed" whether the authority, the name or the date is wrong. The callback
/// that verifies certificates gets OpenSSL's code. It is called on librdkafka's threads, for each certificate of a
/// chain, the broker's own last.
final class CertificateWatch: Sendable {
  /// A finding about the certificate of one broker.
  struct Finding: Sendable, Equatable {
    /// `host:port`, as the broker is known.
    let broker: String
    /// OpenSSL's code (`X509_V_ERR_…`); 0 if the certificate is good.
    let code: Int32
    /// The broker's own certificate; nil if it cannot be read.
    let certificate: Certificate?
  }

  private struct State {
    var findings: [Finding] = []
    /// The problem with a certificate above the broker's own.
    var codes: [String: Int32] = [:]
  }

  private let state = Mutex(State())

  /// The findings so far, the first of each broker.
  var findings: [Finding] { state.withLock { $0.findings } }

  /// Notes a certificate of a broker's chain; `depth` 0 is the broker's own.
  ///
  /// - Returns: whether the handshake continues.
  func note(_ broker: String, code: Int32, depth: Int32, der: UnsafeRawBufferPointer) -> Bool {
    state.withLock { state in
      let code = state.codes[broker] ?? code
      guard depth == 0 else {
        // On to the broker's own, which is to be shown.
        if code != 0 { state.codes[broker] = code }
        return true
      }
      state.codes[broker] = nil
      if !state.findings.contains(where: { $0.broker == broker }) {
        unsafe state.findings.append(Finding(broker: broker, code: code, certificate: Certificate(der: der)))
      }
      return code == 0
    }
  }

  /// Has the client of `configuration` report to this watch.
  ///
  /// - Returns: the reference that the client holds; to be released after the client.
  func retain(in configuration: OpaquePointer) -> Unmanaged<CertificateWatch> {
    let context = unsafe Unmanaged.passRetained(self)
    unsafe crdk_conf_verify_certificates(
      configuration,
      { _, broker, _, code, depth, bytes, size, _, _, context in
        guard let broker = unsafe broker, let code = unsafe code, let context = unsafe context else { return 1 }
        let der = unsafe UnsafeRawBufferPointer(start: bytes, count: size)
        let watch = unsafe Unmanaged<CertificateWatch>.fromOpaque(context).takeUnretainedValue()
        return unsafe watch.note(String(cString: broker), code: code.pointee, depth: depth, der: der) ? 1 : 0
      }, unsafe context.toOpaque())
    return unsafe context
  }
}
