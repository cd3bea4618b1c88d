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

/// Why an execution did not succeed. The raw values are stable.
public enum Cause: String, Sendable, CaseIterable {
  /// Its process returned another exit code than 0.
  case exitCode = "exit_code"
  /// A signal ended its process.
  case signal
  /// It exceeded its time limit.
  case timeLimit = "time_limit"
  /// It was canceled.
  case canceled
  /// `apply` raised an error.
  case exception
  /// Its worker ended before it gave an answer.
  case workerExited = "worker_exited"
  /// Its worker violated the protocol.
  case protocolError = "protocol_error"
  /// It could not be started.
  case initFailed = "init_failed"
  /// Its worker was not ready in time.
  case initTimeout = "init_timeout"
  /// Its worker needs more memory than it may have before the first request.
  case memoryLimit = "memory_limit"
  /// There is no such program.
  case notFound = "not_found"
  /// The program cannot be executed.
  case notExecutable = "not_executable"
}

/// The error of `apply`.
public struct AlgorithmError: Sendable, Equatable {
  /// The name of its class.
  public let type: String
  /// Its message.
  public let message: String

  /// An error of the given class and message.
  public init(type: String, message: String) {
    self.type = type
    self.message = message
  }
}

/// How a process ended, as the kernel reported it.
public enum Termination: Sendable, Equatable {
  /// It called exit, with 0 to 255.
  case exited(code: Int32)
  /// Signal `number` ended it.
  case signaled(number: Int32)
}

extension Termination: CustomStringConvertible {
  /// `exit code 3`, `signal 9`.
  public var description: String {
    switch self {
    case .exited(let code): "exit code \(code)"
    case .signaled(let number): "signal \(number)"
    }
  }
}
