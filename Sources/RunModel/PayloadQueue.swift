// SPDX-License-Identifier: Apache-2.0
/// Takes payloads while requests run: the boundary between executions and their delivery.
///
/// Executions are supervised by one thread that never blocks on a disk or a broker, so a queue has a thread of its own.
/// All members are called from the supervising thread. The contract, in the order of a payload's life:
///
/// 1. ``enqueue(_:)`` takes it and returns immediately with a ticket.
/// 2. As soon as it is *durable* (safe in the outbox, appended to the file, or lost for a stated reason), its ticket
///    ends a turn of the owner's loop and comes back once from ``takeDurable()``. A result is written only then, so it
///    never names a payload that a crash could still lose.
/// 3. It stays among ``PayloadCounts/waiting`` until it is acknowledged, rejected or expired.
/// 4. ``close()`` ends the thread; pending payloads stay in the outbox for a later deliverer.
public protocol PayloadQueue: AnyObject {
  /// Takes one payload of a version with Insights enabled; never blocks and never fails.
  ///
  /// - Returns: Its ticket: 1 for the first, then one more each time.
  func enqueue(_ record: InsightsRecord) -> UInt64

  /// The payloads that became durable since the last call, in any order, each ticket exactly once.
  func takeDurable() -> [DurablePayload]

  /// The figures at this moment.
  var counts: PayloadCounts { get }

  /// Makes all enqueued payloads durable (after a commit that is under way), then ends the thread. Payloads not yet
  /// acknowledged stay in the outbox. Durable tickets can still be taken afterwards.
  func close()
}
