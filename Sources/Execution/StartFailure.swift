public import Platform
public import ProcessSupervision

/// Why an execution never started.
public enum StartFailure: Error, Equatable, CustomStringConvertible {
  /// The program could not be launched.
  case launch(LaunchFailure)
  /// The file of the input cannot be opened.
  case input(path: String, SystemError)
  /// The input cannot be kept in a temporary file.
  case temporaryFile(SystemError)

  /// Whether the same may succeed a moment later: the system had no process or descriptor left.
  public var isPassing: Bool {
    if case .launch(.system) = self { true } else { false }
  }

  /// The exit status that `exec` returns for it: 127, 126 or, for algo-run's own failure, 125.
  public var exitStatus: Int32 {
    if case .launch(let failure) = self { failure.exitStatus } else { 125 }
  }

  /// One sentence.
  public var description: String {
    switch self {
    case .launch(let failure): "\(failure)"
    case .input(let path, let error): "cannot open the input \(path): \(error); check the path."
    case .temporaryFile(let error):
      "cannot keep data in a temporary file: \(error); point TMPDIR to a directory with room."
    }
  }
}
