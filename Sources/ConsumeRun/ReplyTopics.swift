// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform

/// Which of the topics that requests name for their results are there. For the thread of a member.
struct ReplyTopics {
  /// How long an answer of the broker counts.
  private static let lifetime = Duration.seconds(60)

  private var known: [String: (partitions: Int, until: MonotonicInstant)] = [:]

  /// Records for topics that are not there go where other results go.
  mutating func place(_ records: [OutgoingRecord], asking consumer: GroupConsumer) -> [OutgoingRecord] {
    guard records.contains(where: { $0.fallback != nil }) else { return records }
    return records.map { place($0, asking: consumer) }
  }

  private mutating func place(_ record: OutgoingRecord, asking consumer: GroupConsumer) -> OutgoingRecord {
    guard let fallback = record.fallback, !isThere(record, consumer) else { return record }
    var record = record
    (record.topic, record.partition) = (fallback.topic, fallback.partition)
    return record
  }

  /// Those that did not take a record count as not there.
  mutating func refuse(_ topics: [String]) {
    for topic in topics where known[topic] != nil { known[topic] = (0, .now() + Self.lifetime) }
  }

  private mutating func isThere(_ record: OutgoingRecord, _ consumer: GroupConsumer) -> Bool {
    let now = MonotonicInstant.now()
    if known[record.topic].map({ $0.until <= now }) ?? true {
      var partitions = 0
      if case .found(let count, _) = consumer.describe(record.topic, waiting: 5000) { partitions = count }
      known[record.topic] = (partitions, now + Self.lifetime)
    }
    return (record.partition ?? 0) < Int32(clamping: known[record.topic]?.partitions ?? 0)
  }
}
