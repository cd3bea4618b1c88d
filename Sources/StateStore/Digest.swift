// SPDX-License-Identifier: Apache-2.0
internal import CCrypto

/// Hashes by OpenSSL.
enum Digest {
  /// 32 bytes.
  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
      _ = unsafe SHA256(bytes, bytes.count, digest.baseAddress)
      count = 32
    }
  }
}
