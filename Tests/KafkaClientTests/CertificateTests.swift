// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import KafkaClient

/// Reading of a broker's certificate, which may be any bytes.
@Suite struct CertificateTests {
  // openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -utf8 -days 30 (and 9500) -outform der
  //   -subj "/C=DE/O=Beispiel GmbH/OU=müller/CN=kafka.example/emailAddress=a@b.c"
  private static let short = """
    MIICHzCCAcWgAwIBAgIUVvRSsHy9h+Bt8fmS8C5nCC9jpLEwCgYIKoZIzj0EAwIwZTELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUJlaXNwaWVsIE\
    dtYkgxEDAOBgNVBAsMB23DvGxsZXIxFjAUBgNVBAMMDWthZmthLmV4YW1wbGUxFDASBgkqhkiG9w0BCQEWBWFAYi5jMB4XDTI2MTEyNjIyNTIz\
    MloXDTI2MTIyNjIyNTIzMlowZTELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUJlaXNwaWVsIEdtYkgxEDAOBgNVBAsMB23DvGxsZXIxFjAUBgNVBA\
    MMDWthZmthLmV4YW1wbGUxFDASBgkqhkiG9w0BCQEWBWFAYi5jMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3wq8Vv6iZkaJluo7fDyIRTV1\
    w6LFSc2oiMowWg6icaHn5o7XFbFDjaE8urW94xP8tz+JsMoj+S04LwyHHkuJ86NTMFEwHQYDVR0OBBYEFD+zQWkWVsVBhWMoYx/OmMDsLIF/MB\
    8GA1UdIwQYMBaAFD+zQWkWVsVBhWMoYx/OmMDsLIF/MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgapS72aGkIWNIOVox9TXZ\
    zeyI9MfkB7lWWz79PrdjbRgCIQD8wFTeEFFQU6kLLbrIj58NBUVXLIDMGhMeWKyVmnG+Bw==
    """
  private static let long = """
    MIICITCCAcegAwIBAgIUMt4Jb6ooSIDzgtgyx354ev2VwUkwCgYIKoZIzj0EAwIwZTELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUJlaXNwaWVsIE\
    dtYkgxEDAOBgNVBAsMB23DvGxsZXIxFjAUBgNVBAMMDWthZmthLmV4YW1wbGUxFDASBgkqhkiG9w0BCQEWBWFAYi5jMCAXDTI2MTEyNjIyNTIz\
    M1oYDzIwNTIxMTI5MjI1MjMzWjBlMQswCQYDVQQGEwJERTEWMBQGA1UECgwNQmVpc3BpZWwgR21iSDEQMA4GA1UECwwHbcO8bGxlcjEWMBQGA1\
    UEAwwNa2Fma2EuZXhhbXBsZTEUMBIGCSqGSIb3DQEJARYFYUBiLmMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARt08F9CaMa0iN7+2LaVhkM\
    2cbuLhRwQOdE8p176omsuRkhIDQTwag4t4KcGdFNQi5m5LBrOdVGQPVmUs1GdsX4o1MwUTAdBgNVHQ4EFgQUoBHdtUFq1wX+WFRhL3LDyGwY2h\
    UwHwYDVR0jBBgwFoAUoBHdtUFq1wX+WFRhL3LDyGwY2hUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEApnOV/jOPVaPunAUj\
    4zkxrriddt1C7Uhxdemr4gXwi3ICIE3/YJAru/FPoHFoDoaaFfF/vde/AF3dDCw587TbU1rr
    """

  @Test(arguments: [(short, "2026-12-26T22:52:32Z"), (long, "2052-11-29T22:52:33Z")])
  func `its subject, its issuer and the end of its validity are read`(_ base64: String, _ expiry: String) throws {
    let der = try #require(Data(base64Encoded: base64))
    let certificate = try #require(Certificate(der: der))
    #expect(certificate.subject == "/C=DE/O=Beispiel GmbH/OU=müller/CN=kafka.example")
    #expect(certificate.issuer == certificate.subject)
    #expect(certificate.expiry == expiry)
  }

  @Test func `all certificates of a file in PEM form are shown, and nothing else of it`() {
    let lines = stride(from: 0, to: Self.short.utf8.count, by: 64).map { Self.short.dropFirst($0).prefix(64) }
    let certificate =
      "-----BEGIN CERTIFICATE-----\r\n\(lines.joined(separator: "\r\n"))\r\n-----END CERTIFICATE-----\r\n"
    let name = "/C=DE/O=Beispiel GmbH/OU=müller/CN=kafka.example"
    let shown = "\(name), issued by itself, valid until 2026-12-26T22:52:32Z"
    let key = "-----BEGIN PRIVATE KEY-----\n\(Self.short)\n-----END PRIVATE KEY-----\n"
    #expect(AuthorityText.certificates(inPEM: "roots\n" + certificate + key + certificate) == [shown, shown])
    #expect(AuthorityText.certificates(inPEM: certificate.replacing("MIIC", with: "MIID")).isEmpty)
    #expect(AuthorityText.certificates(inPEM: "").isEmpty)
  }

  @Test func `bytes that are not a certificate are refused, wherever they are wrong`() throws {
    let good = [UInt8](try #require(Data(base64Encoded: Self.short)))
    #expect(Certificate(der: []) == nil)
    for length in 0..<good.count { #expect(Certificate(der: good.prefix(length)) == nil) }
    for position in good.indices {
      for byte: UInt8 in [0, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xff] {
        var bad = good
        bad[position] = byte
        // No more is promised than that it ends.
        _ = Certificate(der: bad)
      }
    }
  }

  @Test func `the first finding about a broker stays, with what was wrong above its own certificate`() throws {
    let der = [UInt8](try #require(Data(base64Encoded: Self.short)))
    let watch = CertificateWatch()
    func note(_ broker: String, _ code: Int32, _ depth: Int32) -> Bool {
      der.withUnsafeBytes { watch.note(broker, code: code, depth: depth, der: $0) }
    }
    #expect(note("a:1", 19, 1) && note("a:1", 19, 1) && !note("a:1", 0, 0))
    #expect(note("b:1", 0, 1) && note("b:1", 0, 0) && note("a:1", 0, 0))
    #expect(watch.findings.map(\.broker) == ["a:1", "b:1"] && watch.findings.map(\.code) == [19, 0])
    #expect(watch.findings.first?.certificate?.subject.hasSuffix("/CN=kafka.example") == true)
  }
}
