// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// How full the outbox is.
public struct OutboxStatus: Sendable, Equatable {
  /// An empty outbox.
  public init() {}

  /// How many records are in a state.
  public var counts: [OutboxState: Int] = [:]
  /// Bytes of the values of all records.
  public var bytes: Int = 0
  /// When the oldest pending payload was made.
  public var oldestPending: Timestamp?
  /// When the first window of a pending payload ends.
  public var nextWindowEnd: Timestamp?
  /// Pending records that a deliverer holds.
  public var claimed: Int = 0
  /// Payloads in fallback files, which are not records yet.
  public var inFallback: Int = 0

  /// How many records are in `state`.
  public func count(_ state: OutboxState) -> Int { counts[state] ?? 0 }
}
