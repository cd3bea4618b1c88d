// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// A payload to be stored until it is acknowledged.
public struct OutboxEntry: Sendable, Equatable {
  /// The record for Kafka.
  public var record: InsightsRecord
  /// When the payload was made.
  public var createdAt: Timestamp
  /// When its delivery window ends, by the wall clock: processes that stop and start in between do not change it.
  public var windowEnd: Timestamp
  /// Why it is not sent now; nil if it is.
  public var obstacle: String?

  /// A record whose window is open from `createdAt` for so long.
  public init(
    _ record: InsightsRecord, createdAt: Timestamp = WallClock.now(), window: Duration, obstacle: String? = nil
  ) {
    self.record = record
    self.createdAt = createdAt
    self.obstacle = obstacle
    windowEnd = createdAt + window
  }
}
