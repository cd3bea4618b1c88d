// SPDX-License-Identifier: Apache-2.0
/// How far a batch is on its way to its end, and why it ends early.
enum BatchPhase: Equatable {
  case running
  case ending(Stage, StopReason)

  /// The treatment of running requests. A stage is never left for an earlier one.
  enum Stage: Int, Comparable {
    /// They finish; no new ones start.
    case finishing
    /// They are being stopped.
    case stopping
    /// They were killed, and the batch no longer waits for a reader of the results.
    case abandoning

    static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
  }

  /// Nil while it runs.
  var stage: Stage? { if case .ending(let stage, _) = self { stage } else { nil } }
  /// Nil while it runs.
  var reason: StopReason? { if case .ending(_, let reason) = self { reason } else { nil } }
  /// Whether a signal asked it to end.
  var isInterrupted: Bool { if case .ending(_, .interrupted) = self { true } else { false } }

  /// Ends at `stage` or a later one because of `failure`, unless there was one before.
  mutating func fail(_ failure: BatchFailure, _ stage: Stage) {
    switch self {
    case .ending(let current, .interrupted(let first)):
      self = .ending(max(current, stage), .interrupted(after: first ?? failure))
    case .ending(let current, .failed(let first)): self = .ending(max(current, stage), .failed(first))
    case .ending(let current, _): self = .ending(max(current, stage), .failed(failure))
    case .running: self = .ending(stage, .failed(failure))
    }
  }

  /// Goes one stage further, from one signal to the next. Only a batch that no signal has ended yet is still to finish,
  /// and an urgent signal skips that.
  mutating func interrupt(isUrgent: Bool) {
    let next: Stage =
      switch self {
      case .ending(.stopping, _), .ending(.abandoning, _): .abandoning
      case .ending(.finishing, .interrupted): .stopping
      default: isUrgent ? .stopping : .finishing
      }
    self = .ending(next, .interrupted(after: reason?.failure))
  }
}
