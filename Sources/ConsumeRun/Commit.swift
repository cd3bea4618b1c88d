// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient

/// Answers on their way through one transaction, with the offsets of the moment at which they were taken.
struct Commit {
  enum Step {
    /// Their records are made.
    case records
    /// The member writes them.
    case brokers
    /// They are committed, and are counted.
    case counts
  }

  /// Answers worked on between two turns of the loop.
  static let turn = 32

  private(set) var answers: [Answer]
  /// Dead letters of what cannot be read.
  var extra: [(partition: Int32, record: OutgoingRecord)]
  let offsets: [PartitionOffset]
  /// How often partitions had been lost.
  let losses: Int
  var step = Step.records
  var records: [OutgoingRecord]
  /// Answers that have their records.
  private var recorded = 0

  init(
    answers: [Answer], extra: [(partition: Int32, record: OutgoingRecord)], offsets: [PartitionOffset], losses: Int
  ) {
    self.answers = answers
    self.extra = extra
    self.offsets = offsets
    self.losses = losses
    records = extra.map(\.record)
    records.reserveCapacity(records.count + 2 * answers.count)
  }

  var hasAllRecords: Bool { recorded == answers.count }

  mutating func nextToRecord(atMost limit: Int) -> ArraySlice<Answer> {
    let first = recorded
    recorded += min(limit, answers.count - recorded)
    return answers[first..<recorded]
  }

  mutating func takeRecords() -> [OutgoingRecord] {
    defer { records = [] }
    return records
  }

  /// Takes the next answers out.
  mutating func nextToCount(atMost limit: Int) -> [Answer] {
    let next = Array(answers.prefix(limit))
    answers.removeFirst(next.count)
    return next
  }
}
