// SPDX-License-Identifier: Apache-2.0
internal import CCrypto

/// The SHA-256 digest of a stream of bytes, by OpenSSL. It identifies inputs; it protects nothing.
public struct SHA256 {
  /// 32 bytes, comparable and hashable without an allocation.
  public struct Digest: Hashable, Sendable {
    /// The bytes as big-endian numbers.
    public let words: InlineArray<4, UInt64>

    /// The same bytes are equal.
    public static func == (left: Digest, right: Digest) -> Bool {
      (0..<4).allSatisfy { left.words[$0] == right.words[$0] }
    }

    /// Hashes 8 of them.
    public func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }

    /// A digest of given words.
    public init(words: InlineArray<4, UInt64>) { self.words = words }

    /// 64 lowercase hexadecimal digits.
    public var hexadecimal: String {
      String(unsafeUninitializedCapacity: 64) { text in
        for number in 0..<4 {
          var rest = words[number]
          for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: rest >> 60)
            text[number * 16 + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            rest <<= 4
          }
        }
        return 64
      }
    }
  }

  private var context = SHA256_CTX()

  /// An empty stream.
  public init() { SHA256_Init(&context) }

  /// Takes the next bytes.
  public mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  /// Ends the stream.
  public consuming func finish() -> Digest {
    var words = InlineArray<4, UInt64>(repeating: 0)
    withUnsafeMutableBytes(of: &words) { bytes in
      _ = SHA256_Final(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &context)
    }
    for index in 0..<4 { words[index] = UInt64(bigEndian: words[index]) }
    return Digest(words: words)
  }

  /// The digest of `bytes`.
  public static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = SHA256()
    hash.consume(bytes)
    return hash.finish()
  }
}
