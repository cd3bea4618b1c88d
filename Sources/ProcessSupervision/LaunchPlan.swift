internal import Glibc
public import Platform
internal import RunModel

/// All that is needed to launch one child.
public struct LaunchPlan {
  /// Program and arguments; a program without a slash is looked for on the `PATH` of `environment`.
  public var command: [KernelString]
  /// The child's whole environment, as `NAME=VALUE`.
  public var environment: [KernelString]
  /// Where it runs; nil for where the supervisor runs.
  public var directory: String?
  /// What it reads from descriptor 0.
  public var standardInput = StandardInput.inherited
  /// Descriptors of the child that the supervisor reads. Those of 1 and 2 not named here are inherited untouched.
  public var captures: [Capture] = []
  /// Wall time after which the stop sequence begins; nil for none.
  public var timeLimit: Duration?
  /// The signal that the stop sequence begins with.
  public var stopSignal: Int32 = SIGTERM
  /// How long the stop sequence waits before SIGKILL.
  public var grace: Duration = .seconds(5)
  /// Whether members of the child's group may outlive it.
  public var keepsDescendants = false
  /// Whether the child shares the supervisor's controlling terminal, and is stopped and continued together with it. A
  /// child that does not has no controlling terminal at all.
  public var sharesTerminal = false

  /// A plan to run `command`, everything else as by default.
  public init(command: [KernelString], environment: [KernelString], directory: String? = nil) {
    self.command = command
    self.environment = environment
    self.directory = directory
  }
}

/// What a child reads from descriptor 0.
public enum StandardInput {
  /// The supervisor's own, untouched.
  case inherited
  /// A file or the reading end of a pipe. The supervisor's copy is closed after the launch.
  case descriptor(Descriptor)
}

/// A descriptor of the child that the supervisor reads all the time, so that the child never blocks on it.
@safe
public struct Capture {
  let descriptor: Int32
  let receive: (UnsafeRawBufferPointer) -> Void

  /// - Parameters:
  ///   - descriptor: 1, 2 or 3 in the child.
  ///   - receive: called on the supervisor's thread with each piece; the bytes are lent for the call.
  public init(descriptor: Int32, receive: @escaping (UnsafeRawBufferPointer) -> Void) {
    self.descriptor = descriptor
    unsafe self.receive = receive
  }
}

/// Why a child never ran. The cases tell who must act: the operator, or whoever runs this machine.
public enum LaunchFailure: Error, Equatable, CustomStringConvertible {
  /// No such program, by that name on PATH or at that path.
  case notFound(program: String)
  /// There is such a file, but it may not or cannot be executed.
  case notExecutable(program: String, SystemError)
  /// The directory to run in is not there or not open to us.
  case directory(String, SystemError)
  /// The system would not give a process or a descriptor.
  case system(SystemError)

  /// The exit status that tells of it: 127, 126 or, for algo-run's own failure, 125.
  public var exitStatus: Int32 {
    switch self {
    case .notFound: 127
    case .notExecutable: 126
    case .directory, .system: 125
    }
  }

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .notFound(let program):
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": there is no such program; check the spelling, or give its whole path."
    case .notExecutable(let program, let error) where error.code == ENOEXEC:
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": it is neither a program for this machine nor a script with a #! line; name its "
        + "interpreter, as in: sh \(TerminalText.safe(program, limit: 4096))."
    case .notExecutable(let program, let error) where error.code == ENOENT:
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": the interpreter that its first line names does not exist; "
        + "correct the #! line, or install the interpreter."
    case .notExecutable(let program, let error) where error.code == ETXTBSY:
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": a process has it open for writing; let that end, or "
        + "choose another file with --report if that names the program."
    case .notExecutable(let program, let error) where error.code == EISDIR:
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": it is a directory; name a program in it."
    case .notExecutable(let program, let error):
      "cannot run \"\(TerminalText.safe(program, limit: 4096))\": \(error); make it executable (chmod +x), or name its interpreter."
    case .directory(let path, let error):
      "cannot run in the directory \"\(TerminalText.safe(path, limit: 4096))\": \(error); create it, or choose another with --directory."
    case .system(let error):
      "cannot start a process: \(error); check the limits of this machine (ulimit -u, ulimit -n, free memory)."
    }
  }
}
