// SPDX-License-Identifier: Apache-2.0
/// How an execution ended.
public enum Ending: Sendable, Equatable {
  /// Its process ended by itself, or by a signal that algo-run did not send for its time limit.
  case ended(Termination)
  /// It exceeded its time limit and was stopped; its process ended like this.
  case timedOut(Termination)
  /// It was canceled; its process ended like this. Nil if it was still waiting.
  case canceled(Termination?)
  /// Its worker gave a result.
  case answered
  /// Its worker reported that `apply` raised an error.
  case raised(AlgorithmError)
  /// Its worker ended before it gave an answer.
  case workerEnded(Termination)
  /// Its worker violated the protocol and was killed, for this reason: a sentence.
  case protocolError(reason: String)
  /// It never ran, for this reason: a sentence.
  case failedToStart(reason: String, cause: Cause = .initFailed)

  /// Its class, as records and results name it.
  public var outcome: Outcome {
    switch self {
    case .ended(.exited(code: 0)), .answered: .succeeded
    case .ended(.exited), .raised, .workerEnded(.exited), .protocolError: .failed
    case .ended(.signaled), .workerEnded(.signaled): .signaled
    case .timedOut: .timedOut
    case .canceled: .canceled
    case .failedToStart: .failedToStart
    }
  }

  /// How its process ended; nil if there was none. A worker's answer counts as exit code 0, any other end of a request
  /// without a signal as 1 at least.
  public var termination: Termination? {
    switch self {
    case .ended(let termination), .timedOut(let termination): termination
    case .canceled(let termination): termination
    case .answered: .exited(code: 0)
    case .workerEnded(let termination): termination == .exited(code: 0) ? .exited(code: 1) : termination
    case .raised, .protocolError: .exited(code: 1)
    case .failedToStart: nil
    }
  }

  /// Why it did not succeed; nil if it did.
  public var cause: Cause? {
    switch self {
    case .ended(.exited(code: 0)), .answered: nil
    case .ended(.exited): .exitCode
    case .ended(.signaled): .signal
    case .timedOut: .timeLimit
    case .canceled: .canceled
    case .raised: .exception
    case .workerEnded: .workerExited
    case .protocolError: .protocolError
    case .failedToStart(_, let cause): cause
    }
  }
}
