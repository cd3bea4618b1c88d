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

  /// Whether the login failed.
  public var isAuthentication: Bool { code == RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue }
}
