// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka

/// An error of librdkafka or of the broker: its code and its text. Nothing of it is secret.
public struct KafkaCause: Error, Sendable, Equatable {
  /// librdkafka's number: negative ones are its own, positive ones the broker's.
  public let code: Int32
  /// The sentence for a user.
  public let text: String

  /// A cause by its number and words.
  public init(code: Int32, text: String) {
    self.code = code
    self.text = text
  }

  /// The library's text without its additions at the end, ` (after 302ms in state CONNECT, 17 identical error(s)
  /// suppressed)`: it differs each time, and a cause that is the same should read the same.
  static func essence(of words: String) -> String {
    guard words.hasSuffix(")") else { return words }
    let mark = Array(" (after ".utf8)
    let bytes = Array(words.utf8)
    guard bytes.count > mark.count else { return words }
    for start in stride(from: bytes.count - mark.count, through: 1, by: -1)
    where bytes[start..<start + mark.count].elementsEqual(mark) {
      return String(decoding: bytes[..<start], as: UTF8.self)
    }
    return words
  }

  /// UNRELEASED_INSTANCE_ID of Kafka's protocol, which the header of 2.0.2 does not have.
  private static let unreleasedInstance: Int32 = 111

  /// Cause reported for records still in flight when their producer was closed.
  public static let withoutAnswer = KafkaCause(
    code: RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue, text: "the broker did not answer in time")

  /// The library's own words for a code.
  init(_ error: rd_kafka_resp_err_t) {
    unsafe self.init(code: error.rawValue, text: String(cString: crdk_err2str(error)))
  }

  /// The consequence of a cause for a record that failed by it.
  public enum Meaning: Sendable, Equatable {
    /// It can pass: try again until the window ends.
    case passing
    /// It usually does not pass, and ends in a rejection instead of an expiry when it has not by the window's end.
    case denied
    /// The broker will never take the record batch. A record of it is at fault only if it was the only one.
    case batchRefused
    /// The library gave up on the record without a reason of its own: the cause is its last error of the broker.
    case unexplained
    /// The producer is finished and every record of it must go to a new one.
    case producerDead
  }

  /// The consequence for a record.
  public var meaning: Meaning {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
      RD_KAFKA_RESP_ERR_INVALID_RECORD:
      .batchRefused
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: .denied
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
      RD_KAFKA_RESP_ERR__TIMED_OUT:
      .unexplained
    case RD_KAFKA_RESP_ERR__FATAL: .producerDead
    // Among these POLICY_VIOLATION, which the library calls permanent: it is how Azure Event Hubs throttles.
    default: .passing
    }
  }

  /// Whether it means that no broker can be reached at all: all are down, or the first step to them fails.
  public var isOutage: Bool {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__AUTHENTICATION: true
    default: false
    }
  }

  /// Whether it is only the library's summary of causes that it reported before.
  public var isSummary: Bool { code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue }

  /// Whether the record was taken back from the producer, which means nothing about the broker.
  public var isReclaimed: Bool {
    code == RD_KAFKA_RESP_ERR__PURGE_QUEUE.rawValue || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT.rawValue
  }

  /// Whether another member has taken this one's name.
  public var isFencing: Bool {
    code == RD_KAFKA_RESP_ERR__FENCED.rawValue || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue
      || code == Self.unreleasedInstance
  }

  /// The right that this user lacks as a member of a group; nil if it is something else.
  public func missingPermission(_ group: GroupSettings) -> String? {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: "topic \(group.topic): \(text); allow this user Read on it"
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: "group \(group.group): \(text); allow this user Read on it"
    default: nil
    }
  }

  /// Whether it is an answer that stays the same until settings, topics or rights change. Anything else can pass.
  public var isRefusal: Bool {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_SECURITY_DISABLED, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
      RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION,
      RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, RD_KAFKA_RESP_ERR_INVALID_RECORD,
      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR__INVALID_ARG,
      RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      true
    default: false
    }
  }

  /// Whether no broker answered in time.
  public var isUnanswered: Bool {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__TRANSPORT,
      RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      true
    default: false
    }
  }

  /// Whether a broker knows no such topic: not yet, if it was just made.
  public var isUnknownTopic: Bool {
    code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue
  }

  /// Whether this user may not do what was asked.
  public var isUnauthorized: Bool {
    switch rd_kafka_resp_err_t(rawValue: code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      true
    default: false
    }
  }

  /// Whether the library, or a broker, has no transactions.
  public var isUnsupported: Bool {
    code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE.rawValue || code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION.rawValue
  }

  /// Whether the brokers allow only shorter transactions.
  public var isTransactionTimeout: Bool { code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT.rawValue }

  /// Whether the login failed.
  public var isAuthentication: Bool { code == RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue }
}
