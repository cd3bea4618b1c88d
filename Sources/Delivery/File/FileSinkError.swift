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

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .cannotOpen(let path, ENOENT):
      "the directory of \(path) does not exist; make it, or \(Self.otherFile)"
    case .cannotOpen(let path, EISDIR):
      "\(path) is a directory; move it away, or \(Self.otherFile)"
    case .cannotOpen(let path, let code):
      "\(path) cannot be written (\(reason(code))); give this user write access to it, or \(Self.otherFile)"
    case .cannotWrite(let path, ENOSPC), .cannotWrite(let path, EDQUOT):
      "no space left to append to \(path); free some"
    case .cannotWrite(let path, EFBIG):
      "\(path) has reached the file size limit (ulimit -f); raise the limit or move the file away"
    case .cannotWrite(let path, EPIPE):
      "the reader of the pipe \(path) has gone; start it again, or \(Self.otherFile)"
    case .cannotWrite(let path, EAGAIN):
      "the pipe \(path) is full, and its reader takes nothing; let it read, or \(Self.otherFile)"
    case .noReader(let path):
      "no process reads the named pipe \(path); start its reader, or \(Self.otherFile)"
    case .cannotWrite(let path, let code):
      "cannot append to \(path) (\(reason(code))); check its file system, or \(Self.otherFile)"
    case .locked(let path): "\(path) is locked by another process; find it with `fuser \(path)`"
    }
  }

  private static let otherFile = "choose another file with `algo-run connection set --type file --path FILE`"

  private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
