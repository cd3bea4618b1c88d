// SPDX-License-Identifier: Apache-2.0
/// A record whose window ended.
public struct ExpiredRecord: Sendable, Equatable {
  /// Its number in the outbox.
  public let id: Int64
  /// Whether it may be in the broker's log all the same.
  public let possiblyPersisted: Bool
  /// Whether the broker had denied it, so that it counts as rejected.
  public let wasDenied: Bool
}
