// SPDX-License-Identifier: Apache-2.0
public import Platform
public import ProcessSupervision
public import RunModel

/// Why an execution never started.
public enum StartFailure: Error, Equatable, CustomStringConvertible {
  /// The program could not be launched.
  case launch(LaunchFailure)
  /// The file of the input cannot be opened.
  case input(path: String, SystemError)
  /// The input cannot be kept in a temporary file.
  case temporaryFile(SystemError)
  /// No worker could be started.
  case worker(WorkerStartFailure)

  /// Whether the same may succeed a moment later: the system had no process or descriptor left.
  public var isPassing: Bool {
    if case .launch(.system) = self { true } else { false }
  }

  /// Whether no later start can succeed.
  var isFinal: Bool {
    switch self {
    case .launch(.system): false
    case .worker(let failure): failure.isFinal
    default: true
    }
  }

  /// The exit status that `exec` returns for it: 127, 126 or, for algo-run's own failure, 125.
  public var exitStatus: Int32 {
    if case .launch(let failure) = self { failure.exitStatus } else { 125 }
  }

  /// Its cause, as records name it.
  public var cause: Cause {
    switch self {
    case .launch(.notFound): .notFound
    case .launch(.notExecutable): .notExecutable
    case .worker(let failure): failure.cause
    default: .initFailed
    }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .launch(let failure): "\(failure)"
    case .input(let path, let error): "cannot open the input \(path): \(error); check the path."
    case .worker(let failure): "\(failure)."
    case .temporaryFile(let error):
      "cannot keep data in a temporary file: \(error); point TMPDIR to a directory with room."
    }
  }
}
