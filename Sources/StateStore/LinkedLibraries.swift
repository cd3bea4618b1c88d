// SPDX-License-Identifier: Apache-2.0
internal import CCrypto
internal import CSQLite

/// The versions of the libraries that are part of the program.
public enum LinkedLibraries {
  /// Such as `3.40.1`.
  public static var sqlite: String { unsafe String(cString: sqlite3_libversion()) }
  /// Such as `3.0.17`.
  public static var openssl: String { OPENSSL_FULL_VERSION_STR }
}
