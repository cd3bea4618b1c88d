// SPDX-License-Identifier: Apache-2.0
internal import CCrypto

/// The SHA-256 digest of a stream of bytes, by OpenSSL. It identifies inputs; it protects nothing.
package struct SHA256 {
  /// 32 bytes, comparable and hashable without an allocation.
  package struct Digest: Hashable, Sendable {
    /// The bytes as big-endian numbers.
    package let words: InlineArray<4, UInt64>

    package static func == (left: Digest, right: Digest) -> Bool {
      (0..<4).allSatisfy { left.words[$0] == right.words[$0] }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }

    /// 64 lowercase hexadecimal digits.
    package var hexadecimal: String {
      var text = ""
      text.reserveCapacity(64)
      for index in 0..<4 {
        let digits = String(words[index], radix: 16)
        for _ in digits.utf8.count..<16 { text.append("0") }
        text += digits
      }
      return text
    }
  }

  private var context = SHA256_CTX()

  /// An empty stream.
  package init() { SHA256_Init(&context) }

  /// Takes the next bytes.
  package mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  /// Ends the stream.
  package consuming func finish() -> Digest {
    var words = InlineArray<4, UInt64>(repeating: 0)
    withUnsafeMutableBytes(of: &words) { bytes in
      _ = SHA256_Final(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &context)
    }
    for index in 0..<4 { words[index] = UInt64(bigEndian: words[index]) }
    return Digest(words: words)
  }

  /// The digest of `bytes`.
  package static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = SHA256()
    hash.consume(bytes)
    return hash.finish()
  }
}
