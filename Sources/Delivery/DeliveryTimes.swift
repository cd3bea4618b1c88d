// SPDX-License-Identifier: Apache-2.0
internal import Platform
public import RunModel

/// How long submitted records take until they are delivered.
struct DeliveryTimes {
  /// Records that are followed at a time: during an outage the outbox may hold many more.
  private static let limit = 100_000

  /// Seconds from submission to acknowledgement, or until the file has the record.
  private(set) var histogram = Histogram.long
  /// When the records of the queue were submitted, in order.
  private var queued: ArraySlice<MonotonicInstant> = []
  /// When records of the outbox were submitted, by their numbers.
  private var stored: [Int64: MonotonicInstant] = [:]

  mutating func submit(at now: MonotonicInstant) { queued.append(now) }

  /// The first records of the queue were written to the file.
  mutating func write(_ count: Int, at now: MonotonicInstant) {
    for start in queued.prefix(count) { histogram.add(now - start) }
    queued = queued.dropFirst(count)
  }

  /// The first records of the queue were stored under these numbers.
  mutating func store(_ ids: [Int64]) {
    for (id, start) in zip(ids, queued) where stored.count < Self.limit { stored[id] = start }
    queued = queued.dropFirst(ids.count)
  }

  /// The first records of the queue went elsewhere.
  mutating func setAside(_ count: Int) { queued = queued.dropFirst(count) }

  /// Something became of a stored record.
  mutating func end(_ id: Int64, _ ending: RecordEnding, at now: MonotonicInstant) {
    if case .postponed = ending { return }
    guard let start = stored.removeValue(forKey: id), case .delivered = ending else { return }
    histogram.add(now - start)
  }
}

/// A server's figures of delivery.
public struct DeliveryFigures: Sendable {
  /// The outcomes of all records.
  public var totals = DeliveryTotals()
  /// Seconds until submitted records were delivered.
  public var times = Histogram.long

  /// Nothing was delivered yet.
  public init() {}
}
