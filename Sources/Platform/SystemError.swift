// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The errno of a system call.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The errno.
  public let code: Int32

  /// An error with the given errno.
  public init(_ code: Int32) { self.code = code }

  /// The system's text for it: "Permission denied".
  public var description: String {
    guard let words = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: words)
  }

  /// Throws `code` unless it is 0.
  static func check(_ code: Int32) throws(SystemError) {
    guard code == 0 else { throw SystemError(code) }
  }
}
