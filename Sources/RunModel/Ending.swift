/// How an execution ended.
public enum Ending: Sendable, Equatable {
  /// Its process ended by itself, or by a signal that algo-run did not send for its time limit.
  case ended(Termination)
  /// It exceeded its time limit and was stopped; its process ended like this.
  case timedOut(Termination)
  /// It never ran, for this reason: a sentence.
  case failedToStart(reason: String)

  /// Its class, as records and results name it.
  public var outcome: Outcome {
    switch self {
    case .ended(.exited(code: 0)): .succeeded
    case .ended(.exited): .failed
    case .ended(.signaled): .signaled
    case .timedOut: .timedOut
    case .failedToStart: .failedToStart
    }
  }
}

/// How a process ended, as the kernel reported it.
public enum Termination: Sendable, Equatable {
  /// It called exit, with 0 to 255.
  case exited(code: Int32)
  /// Signal `number` ended it.
  case signaled(number: Int32)
}
