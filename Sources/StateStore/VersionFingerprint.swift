// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Identifies a version by what never changes in it. The original service gave out hashes of commits in this place.
public enum VersionFingerprint {
  /// 64 lowercase hexadecimal digits: SHA-256 over the version, its Insights switch left out.
  public static func hexadecimal(of version: PublishedVersion) -> String {
    let fields =
      [version.reference, version.directory ?? "", "\(version.timeLimit?.wholeMicroseconds ?? 0)", version.notes]
      + ["\(version.publishedAt.microseconds)"] + version.environment.map { "\($0.name)=\($0.value)" }
      + version.command
    return Hexadecimal.text(Digest.sha256(StringList.encode(fields)))
  }
}
