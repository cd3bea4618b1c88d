// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why a payload could not be appended to the file.
public enum FileSinkError: Error, Equatable, CustomStringConvertible {
  /// It could not be opened or made.
  case cannotOpen(path: String, errno: Int32)
  /// It was opened but took no line, or not a whole one.
  case cannotWrite(path: String, errno: Int32)
  /// It is a named pipe without a reader.
  case noReader(path: String)
  /// Another process held its lock all the time.
  case locked(path: String)

  /// The fact, as a clause. The remedy is the caller's to add.
  public var description: String {
    switch self {
    case .cannotOpen(let path, ENOENT): "the directory of \(path) does not exist"
    case .cannotOpen(let path, EISDIR): "\(path) is a directory"
    case .cannotOpen(let path, let code): "\(path) cannot be written (\(reason(code)))"
    case .cannotWrite(let path, ENOSPC), .cannotWrite(let path, EDQUOT): "no space left to append to \(path)"
    case .cannotWrite(let path, EFBIG): "\(path) has reached the file size limit (ulimit -f)"
    case .cannotWrite(let path, EPIPE): "the reader of the pipe \(path) has gone"
    case .cannotWrite(let path, EAGAIN): "the pipe \(path) is full, and its reader takes nothing"
    case .noReader(let path): "no process reads the named pipe \(path)"
    case .cannotWrite(let path, let code): "cannot append to \(path) (\(reason(code)))"
    case .locked(let path): "\(path) is locked by another process"
    }
  }

  private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
