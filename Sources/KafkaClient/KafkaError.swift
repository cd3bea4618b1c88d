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
  /// The password is not where the connection says; in words that end in what to do.
  case passwordUnavailable(String)

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .libraryMissing(let reason):
      "librdkafka, which talks to Kafka, cannot be loaded (\(reason)); install it (Debian, Ubuntu: apt install "
        + "librdkafka1), or set \(LibraryChoice.variable) to its file"
    case .namedLibraryUnusable(let variable, let path, let reason):
      "\(variable) names \(TerminalText.safe(path, limit: 4096)), which cannot be loaded as librdkafka (\(reason)); set it "
        + "to the file of a librdkafka, such as librdkafka.so.1, or unset it"
    case .packagedLibraryUnusable(let path, let reason):
      "the librdkafka of the Python package confluent-kafka, \(TerminalText.safe(path, limit: 4096)), cannot be loaded "
        + "(\(reason)); install the package again, or set \(LibraryChoice.variable) to the file of another librdkafka"
    case .passwordUnavailable(let sentence): sentence
    case .authorityUnreadable(let path, let reason):
      "the broker's authority \(TerminalText.safe(path, limit: 4096)) cannot be read (\(reason)); give it again with "
        + "`algo-run connection set --ca FILE`"
    case .propertyRefused(let name, let reason):
      "librdkafka refuses the property \(name): \(reason); correct it with `algo-run connection set -X`"
    case .settingsRefused(let reason):
      "librdkafka refuses the connection: \(reason); correct it with `algo-run connection set`"
    }
  }
}
