// SPDX-License-Identifier: Apache-2.0
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
