// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import KafkaClient
internal import Platform
internal import StateStore

/// The version of this program, and of its libraries.
enum Version {
  /// Written by `make version`, from the file VERSION.
  static let number = "0.2.0"

  /// The output of `--version`: the number first, then one line for each fact.
  static var text: String {
    """
    \(number)
    commit \(BuildFacts.commit)
    Swift \(BuildFacts.swift)
    SQLite \(LinkedLibraries.sqlite)
    OpenSSL \(LinkedLibraries.openssl)
    librdkafka \(KafkaLibrary.version ?? "not installed")
    libmicrohttpd \(HTTPLibrary.version ?? "not installed")

    """
  }
}
