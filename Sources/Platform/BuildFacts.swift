// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// The source of a release build; `unknown` in other builds.
public enum BuildFacts {
  /// The commit, with `-modified` where files differed from it.
  public static var commit: String { unsafe String(cString: build_commit()) }
  /// The version of Swift, whose runtime the program contains.
  public static var swift: String { unsafe String(cString: build_swift()) }
}
