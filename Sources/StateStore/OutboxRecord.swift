// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// A record that was claimed for delivery.
public struct OutboxRecord: Sendable, Equatable {
  /// Its number in the outbox: greater than that of every record stored before it.
  public let id: Int64
  /// The record for Kafka.
  public let record: InsightsRecord
  /// When the payload was made.
  public let createdAt: Timestamp
  /// When its delivery window ends.
  public let windowEnd: Timestamp
  /// Attempts so far, this one not counted.
  public let attempts: Int
  /// Whether an attempt may have reached the broker's log without its acknowledgement reaching algo-run.
  public let possiblyPersisted: Bool
}
