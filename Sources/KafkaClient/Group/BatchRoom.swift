// SPDX-License-Identifier: Apache-2.0

/// How full the next record batch of each partition is. Pure.
///
/// The library has one batch of a partition on its way at a time. As long as more of its records wait, it polls without a
/// pause for the answer: most of a core, that the broker may be missing.
struct BatchRoom {
  private struct Place: Hashable {
    let topic: String
    let partition: Int32?
  }

  private let batchSize: Int
  private var sizes: [Place: Int] = [:]

  /// Batches of at most `batchSize` bytes.
  init(batchSize: Int) { self.batchSize = batchSize }

  /// Adds a record to its batch.
  ///
  /// - Returns: whether there was room. If not, its batch is to be sent first: ``clear()`` and add it again.
  mutating func add(_ record: OutgoingRecord) -> Bool {
    let place = Place(topic: record.topic, partition: record.partition)
    let size = sizes[place, default: 0] + record.size
    // One that is larger than a batch has one of its own.
    guard size <= batchSize || sizes[place] == nil else { return false }
    sizes[place] = size
    return true
  }

  /// All batches were sent.
  mutating func clear() { sizes.removeAll(keepingCapacity: true) }
}
