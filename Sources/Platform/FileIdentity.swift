// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The file on this machine that a path or descriptor means at a moment, however it is spelt or linked. Another file
/// under the same name is another one.
public struct FileIdentity: Equatable, Sendable {
  private let device: dev_t
  private let inode: ino_t
  /// A name that is not there yet; the numbers are then those of its directory.
  private let futureName: String?

  private init(_ status: stat, futureName: String? = nil) {
    device = status.st_dev
    inode = status.st_ino
    self.futureName = futureName
  }

  /// The file behind an open descriptor; nil if it is not open.
  public init?(_ descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The file that a stream was redirected from or to; nil for pipes, terminals and devices.
  public init?(file stream: Int32) {
    var status = stat()
    guard unsafe fstat(stream, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  /// A file that is read; nil if there is none, and for what no writer can harm: pipes, terminals, devices.
  public init?(reading path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  /// A file that is going to be written, and need not be there yet; nil for pipes, terminals and devices.
  public init?(writing path: String) {
    if let existing = FileIdentity(reading: path) {
      self = existing
      return
    }
    var status = stat()
    guard unsafe stat(path, &status) != 0, errno == ENOENT else { return nil }
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard unsafe stat(directory, &status) == 0 else { return nil }
    self.init(status, futureName: slash.map { String(path[path.index(after: $0)...]) } ?? path)
  }

  /// The file of that name, and its size in bytes; nil if there is none.
  ///
  /// - Throws: the errno of stat(2) if it cannot be known, as in a directory that this user may not enter.
  public static func lookUp(_ path: String) throws(SystemError) -> (file: FileIdentity, size: Int)? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw SystemError(errno)
    }
    return (FileIdentity(status), Int(status.st_size))
  }
}
