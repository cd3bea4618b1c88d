// SPDX-License-Identifier: Apache-2.0
/// The states of the payloads of one queue.
public struct PayloadCounts: Sendable, Equatable {
  /// Neither acknowledged nor given up: in memory or in the outbox.
  public var waiting: Int
  /// Acknowledged by the broker, or appended to the file.
  public var delivered: Int
  /// Given up: rejected or expired.
  public var undelivered: Int
  /// Safe, but left to other deliverers.
  public var handedOff: Int

  /// Counts of given figures.
  public init(waiting: Int, delivered: Int, undelivered: Int, handedOff: Int = 0) {
    self.waiting = waiting
    self.delivered = delivered
    self.undelivered = undelivered
    self.handedOff = handedOff
  }

  /// Nothing was enqueued.
  public static let none = PayloadCounts(waiting: 0, delivered: 0, undelivered: 0)
}
