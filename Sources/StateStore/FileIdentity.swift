internal import Glibc

/// Which file a name stands for at a moment: another one under the same name is another file.
struct FileIdentity: Equatable {
  private let device: dev_t
  private let number: ino_t

  /// The file of that name, and its size in bytes; nil where there is none.
  ///
  /// - Throws: where it cannot be known, as in a directory that this user may not enter: nothing then says that there
  ///   is no such file.
  static func of(_ path: String) throws(StateError) -> (file: FileIdentity, size: Int)? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw PrivateFile.failure(errno, at: path)
    }
    return (FileIdentity(device: status.st_dev, number: status.st_ino), Int(status.st_size))
  }
}
