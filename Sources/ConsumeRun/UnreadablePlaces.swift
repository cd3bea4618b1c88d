// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient

/// Which records of its partitions a member cannot read. Pure.
///
/// The library reports such a record again and again until something behind it is read, and for each record of a batch
/// it names the first one.
struct UnreadablePlaces {
  private var waiting: Set<Int32> = []
  private var next: [Int32: Int64] = [:]

  /// The record that cannot be read; nil if one of this partition waits to be skipped.
  mutating func report(_ place: PartitionOffset) -> PartitionOffset? {
    guard waiting.insert(place.partition).inserted else { return nil }
    return PartitionOffset(partition: place.partition, offset: max(place.offset, next[place.partition] ?? 0))
  }

  /// Reading continues here.
  mutating func skip(to place: PartitionOffset) {
    waiting.remove(place.partition)
    next[place.partition] = place.offset
  }

  mutating func forget(_ partitions: [Int32]) {
    for partition in partitions {
      waiting.remove(partition)
      next[partition] = nil
    }
  }
}
