// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The results of workers of former connections: the owner of the queue sees one queue, whatever its connection is.
struct PastDelivery {
  /// Records that were submitted to all workers.
  var submitted = 0
  /// Tickets of former workers.
  private var tickets: UInt64 = 0
  private var counts = PayloadCounts.none
  private var figures = DeliveryFigures()
  private var durable: [DurablePayload] = []

  /// A worker was closed. Its pending records are in the outbox, and the next one claims them.
  mutating func add(_ worker: DeliveryWorker) {
    durable += renumbered(worker.takeDurable())
    tickets = UInt64(submitted)
    counts = counts(with: worker)
    counts.handedOff += counts.waiting
    counts.waiting = 0
    figures = figures(with: worker)
  }

  /// Payloads of former workers that became durable since the last call.
  mutating func takeDurable() -> [DurablePayload] {
    defer { durable = [] }
    return durable
  }

  /// A worker counts its tickets from 1.
  func renumbered(_ payloads: [DurablePayload]) -> [DurablePayload] {
    guard tickets > 0 else { return payloads }
    return payloads.map { DurablePayload(ticket: $0.ticket + tickets, delivery: $0.delivery) }
  }

  func counts(with worker: DeliveryWorker) -> PayloadCounts {
    let now = worker.counts
    return PayloadCounts(
      waiting: counts.waiting + now.waiting, delivered: counts.delivered + now.delivered,
      undelivered: counts.undelivered + now.undelivered, handedOff: counts.handedOff + now.handedOff)
  }

  func figures(with worker: DeliveryWorker) -> DeliveryFigures {
    var sum = figures
    let now = worker.figures
    sum.times.add(now.times)
    sum.totals.delivered += now.totals.delivered
    sum.totals.expired += now.totals.expired
    sum.totals.dropped += now.totals.dropped
    sum.totals.rejected += now.totals.rejected
    return sum
  }
}
