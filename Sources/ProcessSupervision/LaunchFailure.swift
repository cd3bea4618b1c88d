// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform
internal import RunModel

/// Why a child never ran. The cases differ in who must act: the user of the command, or the administrator of the
/// machine.
public enum LaunchFailure: Error, Equatable, CustomStringConvertible {
  /// No such program, by that name on PATH or at that path.
  case notFound(program: String)
  /// There is such a file, but it may not or cannot be executed.
  case notExecutable(program: String, SystemError)
  /// The directory to run in is not there or not open to us.
  case directory(String, SystemError)
  /// The system would not give a process or a descriptor.
  case system(SystemError)

  /// Its exit status: 127, 126 or, for algo-run's own failure, 125.
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
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": there is no such program; check the spelling, or give its whole path."
    case .notExecutable(let program, let error) where error.code == ENOEXEC:
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": it is neither a program for this machine nor a script with a #! line; name its "
        + "interpreter, as in: sh \(TerminalText.escaped(program, limit: 4096))."
    case .notExecutable(let program, let error) where error.code == ENOENT:
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": the interpreter that its first line names does not exist; "
        + "correct the #! line, or install the interpreter."
    case .notExecutable(let program, let error) where error.code == ETXTBSY:
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": a process has it open for writing; let that end, or "
        + "choose another file with --report if that names the program."
    case .notExecutable(let program, let error) where error.code == EISDIR:
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": it is a directory; name a program in it."
    case .notExecutable(let program, let error):
      "cannot run \"\(TerminalText.escaped(program, limit: 4096))\": \(error); make it executable (chmod +x), or name its interpreter."
    case .directory(let path, let error):
      "cannot run in the directory \"\(TerminalText.escaped(path, limit: 4096))\": \(error); create it, or publish a version with another --directory."
    case .system(let error):
      "cannot start a process: \(error); check the limits of this machine (ulimit -u, ulimit -n, free memory)."
    }
  }
}
