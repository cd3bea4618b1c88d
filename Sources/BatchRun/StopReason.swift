// SPDX-License-Identifier: Apache-2.0
public import Execution

/// Why a batch ends before its list does.
public enum StopReason: Equatable, Sendable {
  /// The halt rule was met.
  case halted
  /// The executor can start nothing any more.
  case executorFailed(StartFailure)
  /// Requests or results could not be read or written.
  case failed(BatchFailure)
  /// A signal asked it to end, perhaps after a failure.
  case interrupted(after: BatchFailure?)

  /// The failure that the batch ends with.
  var failure: BatchFailure? {
    switch self {
    case .failed(let failure): failure
    case .interrupted(let failure): failure
    case .halted, .executorFailed: nil
    }
  }

  /// Why nothing starts any more, as the batch has printed it.
  var startFailure: String? { if case .executorFailed(let failure) = self { "\(failure)" } else { nil } }

  /// As the summary has it.
  var name: String {
    switch self {
    case .halted: "halted"
    case .executorFailed, .failed: "broken"
    case .interrupted: "interrupted"
    }
  }
}
