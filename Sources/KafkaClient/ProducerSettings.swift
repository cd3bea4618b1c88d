// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Everything a producer is made from: librdkafka's properties, and what of them is secret. Pure; never printed.
public struct ProducerSettings: Sendable {
  /// One property of librdkafka's.
  struct Property: Sendable, Equatable {
    let name: String
    let value: String
    /// Whether a release of the library that does not know it works all the same.
    var isOptional = false
  }

  /// Who makes the producer, because one record wants to leave immediately and thousands together.
  public enum Traffic: Sendable { case single, many }

  /// The topic that records go to.
  let topic: String
  /// In the order they are set; a later one of the same name wins.
  let properties: [Property]
  /// Texts that must not appear in anything shown.
  let secrets: [String]
  /// Whether the login is by SCRAM.
  let usesSCRAM: Bool

  /// Properties that delivery relies on, whatever the connection has; each with its reason.
  static func base(window: Duration, traffic: Traffic) -> [Property] {
    let windowMilliseconds = max(1000, min(window.wholeMicroseconds / 1000, Int64(Int32.max)))
    return [
      Property(name: "client.id", value: "algo-run"),
      // An acknowledgement means that all in-sync replicas have the record, once.
      Property(name: "acks", value: "all"),
      Property(name: "enable.idempotence", value: "true"),
      // With 5, the default, the broker thread spins at 0.8 of a core while a broker is silent.
      Property(name: "max.in.flight.requests.per.connection", value: "4"),
      // The record's own end is kept by DeliveryPolicy: this is only the most that any record has left.
      Property(name: "message.timeout.ms", value: "\(windowMilliseconds)"),
      // From process start to acknowledgement over TLS: 6 ms instead of 48.
      Property(name: "socket.nagle.disable", value: "true"),
      // A broker that comes up late is found in a quarter of a second instead of one.
      Property(name: "enable.sparse.connections", value: "false"),
      Property(name: "socket.keepalive.enable", value: "true"),
      // The default of 10 s is how long a listener that is back would go unnoticed.
      Property(name: "reconnect.backoff.max.ms", value: "2000"),
      Property(name: "socket.connection.setup.timeout.ms", value: "10000"),
      Property(name: "linger.ms", value: traffic == .single ? "0" : "5"),
      // The same key goes to the same partition as from a Java producer.
      Property(name: "partitioner", value: "murmur2_random"),
    ]
  }

  /// The same with other properties.
  func with(_ properties: [Property]) -> ProducerSettings {
    ProducerSettings(topic: topic, properties: properties, secrets: secrets, usesSCRAM: usesSCRAM)
  }

  /// `text` with every secret replaced.
  func redact(_ text: String) -> String {
    secrets.reduce(text) { $0.replacingAll($1, with: "\(Secret.redacted)") }
  }

  /// The cause with what algo-run knows beyond the library's words.
  func explain(_ cause: KafkaCause) -> KafkaCause {
    guard cause.isAuthentication, usesSCRAM, let limit = KafkaLibrary.limitOfSCRAM, !Self.namesMechanisms(cause) else {
      return cause
    }
    // The broker's release is unknown here.
    return KafkaCause(
      code: cause.code, text: "\(cause.text) (user or password is wrong, or the broker is Apache Kafka 4: \(limit))")
  }

  /// Whether a login failed because the broker does not have its mechanism.
  static func namesMechanisms(_ cause: KafkaCause) -> Bool {
    let words = cause.text.lowercased()
    return cause.isAuthentication && words.containsBytes("mechanism")
      && (words.containsBytes("unsupported") || words.containsBytes("supported mechanisms"))
  }
}
