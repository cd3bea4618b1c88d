// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import RunModel

/// Commands of a member's loop to its thread.
enum MemberCommand: Sendable {
  /// Write these records and offsets together, unless partitions were lost more often than `losses` times: then the
  /// owner has yet to hear of it. Answered by ``MemberEvent/written(_:)`` or ``MemberEvent/aborted(_:)``, and one at a
  /// time.
  case write([OutgoingRecord], [PartitionOffset], losses: Int)
  case pause([Int32])
  case resume([Int32])
  /// Revoked partitions are done with.
  case release([Int32])
  /// Continue reading behind this record.
  case skip(PartitionOffset)
  /// Whether the group has committed at least these offsets. Answered by ``MemberEvent/reached(_:)``.
  case compare([PartitionOffset])
  case leave
}

/// Reports of a member's thread to its loop, in order.
enum MemberEvent: Sendable {
  /// No broker has answered before the group is joined; a sentence about what was asked.
  case waiting(stage: String, String)
  /// The group is about to be joined.
  case ready
  case assigned([AssignedPartition])
  /// Answered by ``MemberCommand/release(_:)`` unless they are lost.
  case revoked([Int32], areLost: Bool)
  case messages([ConsumedMessage])
  case end(PartitionOffset)
  case unreadable(PartitionOffset, KafkaCause)
  /// The committed offset of a partition is gone: `first` is the first one left.
  case lost(partition: Int32, committed: Int64, first: Int64?)
  case written(Duration)
  case aborted(KafkaCause)
  /// Bytes that each output topic takes in one record batch have changed.
  case limits([String: Int])
  case reached(Bool)
  case trouble(KafkaCause)
  case ended(MemberEnd)
}

/// Where this member begins in a partition.
struct AssignedPartition: Sendable {
  let offset: PartitionOffset
  /// Whether the group has committed this offset.
  let isCommitted: Bool
}

/// Why the thread of a member has ended.
enum MemberEnd: Sendable {
  case left
  /// At the start, before it joined.
  case cannotStart(stage: String, String)
  case fenced(KafkaCause)
  case fatal(KafkaCause)
}
