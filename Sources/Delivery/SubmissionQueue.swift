// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The records that were submitted to a worker and are not durable yet, and the tickets of those that became durable.
struct SubmissionQueue {
  /// In the order of submission.
  private(set) var records: ArraySlice<InsightsRecord> = []
  private var lastTicket: UInt64 = 0
  private var durable: [DurablePayload] = []

  var isEmpty: Bool { records.isEmpty }

  mutating func append(_ record: InsightsRecord) { records.append(record) }

  /// The first `count` records are durable. Their tickets follow the last one; the first of all is 1.
  mutating func makeDurable(_ count: Int, _ delivery: Delivery) {
    for _ in 0..<count {
      lastTicket += 1
      durable.append(DurablePayload(ticket: lastTicket, delivery: delivery))
    }
    records = records.dropFirst(count)
  }

  /// The payloads that became durable since the last call.
  mutating func takeDurable() -> [DurablePayload] {
    defer { durable = [] }
    return durable
  }
}
