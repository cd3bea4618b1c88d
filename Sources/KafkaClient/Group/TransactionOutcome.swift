// SPDX-License-Identifier: Apache-2.0
/// The result of writing records and offsets together. Unless they are committed, all of it may be there or nothing: a new
/// producer of the same name ends the transaction one way or the other.
public enum TransactionOutcome: Sendable, Equatable {
  /// They are there.
  case committed
  /// It did not end well. `refused` names topics that took none of their records.
  case aborted(KafkaCause, refused: [String])
  /// Another producer has the transactional name, or the broker ended the transaction for its age.
  case fenced(KafkaCause)
  /// No broker answered in time.
  case unfinished(KafkaCause)
  /// The producer is finished.
  case fatal(KafkaCause)

  /// Why nothing was written, or may not have been; nil for success.
  var cause: KafkaCause? {
    switch self {
    case .committed: nil
    case .aborted(let cause, _), .fenced(let cause), .unfinished(let cause), .fatal(let cause): cause
    }
  }
}
