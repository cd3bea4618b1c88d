// SPDX-License-Identifier: Apache-2.0
import Execution
import Testing

/// Digests of inputs, which must be those that `sha256sum` prints.
@Suite struct DigestTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ])
  func `the digest is that of the standard`(text: String, digest: String) {
    #expect(Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0).hexadecimal } == digest)
  }

  @Test func `a stream in pieces has the digest of the whole`() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    var stream = SHA256()
    for byte in bytes { withUnsafeBytes(of: byte) { stream.consume($0) } }
    #expect(stream.finish() == bytes.withUnsafeBytes { SHA256.digest(of: $0) })
  }
}
