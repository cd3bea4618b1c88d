// SPDX-License-Identifier: Apache-2.0
internal import CCrypto
public import RunModel

/// Identifies a version by what never changes in it. The original service gave out hashes of commits in this place.
public enum VersionFingerprint {
  /// 64 lowercase hexadecimal digits: SHA-256 over the version, its Insights switch left out.
  public static func hexadecimal(of version: PublishedVersion) -> String {
    let fields =
      [version.reference, version.directory ?? "", "\(version.timeLimit?.wholeMicroseconds ?? 0)", version.notes]
      + ["\(version.publishedAt.microseconds)"] + version.environment.map { "\($0.name)=\($0.value)" }
      + version.command
    let bytes = StringList.encode(fields)
    let digest = unsafe [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
      _ = unsafe SHA256(bytes, bytes.count, digest.baseAddress)
      count = 32
    }
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
