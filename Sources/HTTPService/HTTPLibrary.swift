// SPDX-License-Identifier: Apache-2.0
internal import CMicroHTTPD

/// libmicrohttpd, loaded when a server starts and not before.
public enum HTTPLibrary {
  /// Loads the library unless that was done.
  ///
  /// - Throws: ``HTTPFailure/libraryMissing(reason:)``.
  public static func load() throws(HTTPFailure) {
    if let reason = unsafe cmhd_load() { throw unsafe .libraryMissing(reason: String(cString: reason)) }
  }

  /// The loaded library's version, such as `0.9.75`; nil if it cannot be loaded.
  public static var version: String? {
    unsafe cmhd_load() == nil ? String(cString: cmhd_version()) : nil
  }
}
