// SPDX-License-Identifier: Apache-2.0
/// The result of writing records and offsets together.
public enum TransactionOutcome: Sendable, Equatable {
  /// They are there.
  case committed
  /// None of them is there: they may be sent again. `refused` names topics that took none of their records.
  case aborted(KafkaCause, refused: [String])
  /// Another producer has the transactional name, or the broker ended the transaction for its age.
  case fenced(KafkaCause)
  /// No broker answered in time. All of it is there or nothing: a new producer of the same name ends it one way or the
  /// other.
  case unfinished(KafkaCause)
  /// The producer is finished.
  case fatal(KafkaCause)
}
