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

/// The state of a record of the outbox. The raw values are stored.
public enum OutboxState: Int64, Sendable, CaseIterable {
  /// Delivery, within its window.
  case pending = 0
  /// Its window ended; kept for `outbox retry`.
  case expired = 1
  /// The broker can never accept it as it is.
  case rejected = 2
  /// It does not read as it was written; set aside.
  case corrupt = 3

  /// The word that listings show.
  public var name: String { "\(self)" }

  /// The state of a word that listings show; nil for others.
  public init?(name: String) {
    guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = state
  }
}

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

/// A record as `outbox list` shows it.
public struct OutboxListing: Sendable, Equatable {
  /// Its number in the outbox.
  public let id: Int64
  /// The request's identifier.
  public let key: String
  /// Its state.
  public let state: OutboxState
  /// When the payload was made.
  public let createdAt: Timestamp
  /// When its delivery window ends or ended.
  public let windowEnd: Timestamp
  /// Attempts so far.
  public let attempts: Int
  /// When it is attempted next at the earliest; nil unless it is pending.
  public let nextAttemptAt: Timestamp?
  /// Whether an attempt may have reached the broker's log.
  public let possiblyPersisted: Bool
  /// Why it was not delivered, or not yet.
  public let lastError: String?
  /// Whether a deliverer holds it at this moment.
  public let isClaimed: Bool
  /// Bytes of its value.
  public let bytes: Int
}
