// SPDX-License-Identifier: Apache-2.0
import Execution
import Testing

@testable import BatchRun

/// The digest of an input is the key of `--resume`: it must be the SHA-256 that every other tool computes.
@Suite struct SHA256Tests {
  /// From NIST's examples for FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func `NIST's vectors come out`(text: String, expected: String) {
    var hash = SHA256()
    Array(text.utf8).withUnsafeBytes { hash.consume($0) }
    #expect(hash.finish().hexadecimal == expected)
  }

  @Test func `a million times the letter a comes out`() {
    var hash = SHA256()
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
    for _ in 0..<1000 { piece.withUnsafeBytes { hash.consume($0) } }
    #expect(hash.finish().hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func `however bytes are cut into pieces, the digest is the same`() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let whole = bytes.withUnsafeBytes { SHA256.digest(of: $0) }
    for size in [1, 3, 55, 56, 63, 64, 65, 127, 128, 999] {
      var hash = SHA256()
      for start in stride(from: 0, to: bytes.count, by: size) {
        bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { hash.consume($0) }
      }
      #expect(hash.finish() == whole, "in pieces of \(size)")
    }
  }

  @Test func `a digest is read back from its digits`() throws {
    let digest = SHA256().finish()
    #expect(SHA256.Digest(hexadecimal: digest.hexadecimal) == digest)
    #expect(SHA256.Digest(hexadecimal: "e3b0") == nil)
    #expect(SHA256.Digest(hexadecimal: String(repeating: "g", count: 64)) == nil)
  }
}
