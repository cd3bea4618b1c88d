// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Why there is no producer at all, as opposed to one whose broker is away.
public enum KafkaError: Error, Equatable, CustomStringConvertible {
  /// The library is not there, or lacks a function.
  case libraryMissing(reason: String)
  /// The library that a variable names cannot be loaded.
  case namedLibraryUnusable(variable: String, path: String, reason: String)
  /// The library of the Python package confluent-kafka cannot be loaded.
  case packagedLibraryUnusable(path: String, reason: String)
  /// The library does not take a property or its value.
  case propertyRefused(name: String, reason: String)
  /// The library does not take the properties together: a CA file it cannot read, a mechanism it does not know.
  case settingsRefused(reason: String)
  /// The file with the broker's authority, a copy in the home, cannot be read.
  case authorityUnreadable(path: String, reason: String)
  /// The password is not at the place that the connection names; a sentence that ends in what to do.
  case passwordUnavailable(String)

  /// The fact, as a clause. The remedy is the caller's to add.
  public var description: String {
    switch self {
    case .libraryMissing(let reason): "librdkafka, which talks to Kafka, cannot be loaded (\(reason))"
    case .namedLibraryUnusable(let variable, let path, let reason):
      "\(variable) names \(TerminalText.escaped(path, limit: 4096)), which cannot be loaded as librdkafka (\(reason))"
    case .packagedLibraryUnusable(let path, let reason):
      "the librdkafka of the Python package confluent-kafka, \(TerminalText.escaped(path, limit: 4096)), cannot be loaded "
        + "(\(reason))"
    case .passwordUnavailable(let sentence): sentence
    case .authorityUnreadable(let path, let reason):
      "the broker's authority \(TerminalText.escaped(path, limit: 4096)) cannot be read (\(reason))"
    case .propertyRefused(let name, let reason): "librdkafka refuses the property \(name): \(reason)"
    case .settingsRefused(let reason): "librdkafka refuses the connection: \(reason)"
    }
  }
}
