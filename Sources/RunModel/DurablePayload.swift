// SPDX-License-Identifier: Apache-2.0
/// A payload that can no longer be lost, or was lost for a stated reason.
public struct DurablePayload: Sendable, Equatable {
  /// The return value of ``PayloadQueue/enqueue(_:)``.
  public let ticket: UInt64
  /// `queued` or `delivered` with a broker, `written` with a file; `rejected` with a detail if it could not be stored.
  public let delivery: Delivery

  /// A ticket and the state of its payload.
  public init(ticket: UInt64, delivery: Delivery) {
    self.ticket = ticket
    self.delivery = delivery
  }
}
