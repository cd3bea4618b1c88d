// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Glibc
internal import RunModel

/// The remedy for a cause, for the person who set the connection up.
enum Hint {
  static func ofLogin(
    _ cause: KafkaCause, _ authentication: Connection.Authentication, isEventHubs: Bool
  ) -> String {
    if ProducerSettings.namesMechanisms(cause) {
      return "The broker does not offer \(authentication.mechanism.rawValue): choose one that it does with "
        + "`connection set --mechanism`."
    }
    if isEventHubs {
      return "The password must be the whole connection string of the namespace (Endpoint=sb://…)."
    }
    let usesSCRAM = authentication.mechanism != .plain
    let both =
      "check both" + (usesSCRAM ? ", and that the user has credentials for \(authentication.mechanism.rawValue)" : "")
    guard usesSCRAM, let limit = KafkaLibrary.limitOfSCRAM else {
      return "The broker does not distinguish an unknown user from a wrong password: \(both)."
    }
    // The broker's release is unknown here.
    return "On an older Kafka user or password is wrong: \(both). On Apache Kafka 4 it is the library: \(limit)."
  }

  /// The remedy if no broker can be reached; `brokers` are those that the connection names.
  static func ofMetadata(_ cause: KafkaCause, brokers: [String]) -> String {
    let known = brokers.compactMap { BrokerAddress(parsing: $0) }
    if let address = cause.advertisedAddress, let parsed = BrokerAddress(parsing: address), !known.contains(parsed) {
      return
        "The broker sends clients to \(TerminalText.escaped(address)) (its advertised.listeners): this machine must "
        + "reach that address too, or the broker must advertise another."
    }
    if cause.isDisconnection {
      return "The broker ended the conversation: does this listener want TLS or a login that the connection lacks?"
    }
    guard cause.code == RD_KAFKA_RESP_ERR__SSL.rawValue else { return "See the broker's log." }
    return "The broker's TLS listener and this connection do not agree; see the broker's log."
  }

  static func ofTopic(_ cause: KafkaCause, topic: String, user: String?) -> String {
    switch rd_kafka_resp_err_t(rawValue: cause.code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      "Make it: kafka-topics.sh --create --topic \(topic), or choose another with `connection set --topic`."
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      "\(user.map { "User \($0)" } ?? "This user") needs the operations Write and Describe on topic \(topic): "
        + "kafka-acls.sh --add --allow-principal User:\(user ?? "NAME") --producer --topic \(topic)."
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      "Brokers before 2.8 want IdempotentWrite on the cluster; without it: connection set -X enable.idempotence=false."
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: "Topic names have letters, digits, . _ - and at most 249 characters."
    default: "See the broker's log."
    }
  }
}

/// The system's words for its error numbers.
enum SystemWords {
  static func of(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
