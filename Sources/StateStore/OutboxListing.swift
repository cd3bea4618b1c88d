// SPDX-License-Identifier: Apache-2.0
public import RunModel

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
