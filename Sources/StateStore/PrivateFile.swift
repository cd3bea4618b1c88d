// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Makes files (0600) and directories (0700) that only this user can read, whatever the umask says, and race-free.
enum PrivateFile {
  /// Makes the directory at `path` and those missing above it; one that exists stays as it is.
  static func makeDirectory(_ path: String) throws(StateError) {
    if unsafe mkdir(path, 0o700) == 0 {
      // A umask may have taken the owner's own rights away.
      guard unsafe chmod(path, 0o700) == 0 else { throw .inaccessible(path: path, errno: errno) }
      return
    }
    switch errno {
    case EEXIST:
      // Another process may have made it a moment ago: what counts is that it is there.
      guard isDirectory(path) else { throw .notADirectory(path: path) }
    case ENOENT:
      guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw .inaccessible(path: path, errno: ENOENT)
      }
      try makeDirectory(String(path[..<slash]))
      // Not a loop over this function: a directory that vanishes again and again must end in an error.
      guard unsafe mkdir(path, 0o700) != 0 else {
        guard unsafe chmod(path, 0o700) == 0 else { throw .inaccessible(path: path, errno: errno) }
        return
      }
      let reason = errno
      guard reason == EEXIST, isDirectory(path) else { throw failure(reason, at: path) }
    case let reason: throw failure(reason, at: path)
    }
  }

  /// Whether anything has this name.
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// Makes a file at `path` unless there is one.
  ///
  /// The file is made under another name and moved into place, for three reasons: it never stands there with other
  /// rights; it never stands there half made; and no descriptor of it is closed here once others may have it open.
  /// Closing one drops every POSIX lock that this process holds on the file, SQLite's included.
  ///
  /// - Parameter fill: writes the contents into an empty file at the path that it gets; by default nothing.
  static func ensure(
    _ path: String, filledBy fill: (String) throws(StateError) -> Void = { _ in }
  ) throws(StateError) {
    guard !exists(path) else { return }
    let draft = "\(path).new-\(getpid())-\(UInt64.random(in: .min ... .max))"
    try write([], to: draft, for: path)
    // SQLite's files beside it are there only if filling it failed.
    defer { for suffix in ["", "-journal", "-wal", "-shm"] { unsafe unlink(draft + suffix) } }
    try fill(draft)
    guard unsafe link(draft, path) != 0, errno != EEXIST else { return }
    // A file system without hard links. Of two processes that make the file there at the same moment one may lose it.
    if [EPERM, EOPNOTSUPP, ENOSYS].contains(errno), unsafe exists(path) || rename(draft, path) == 0 { return }
    throw failure(errno, at: path)
  }

  /// Replaces the file at `path` by one with these bytes, all at once.
  static func replace(_ path: String, with bytes: [UInt8]) throws(StateError) {
    let draft = "\(path).new-\(getpid())-\(UInt64.random(in: .min ... .max))"
    try write(bytes, to: draft, for: path)
    guard unsafe rename(draft, path) == 0 else {
      let reason = errno
      unsafe unlink(draft)
      throw failure(reason, at: path)
    }
  }

  /// All of a file.
  static func contents(of path: String) throws(StateError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw failure(errno, at: path) }
    defer { close(descriptor) }
    var contents: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe read(descriptor, &block, block.count)
      if count == 0 { return contents }
      if count > 0 {
        contents.append(contentsOf: block[..<count])
      } else if errno != EINTR {
        throw failure(errno, at: path)
      }
    }
  }

  /// Makes a file belong to whom another one belongs, and as open to others as that.
  static func giveOwner(of model: String, to path: String) throws(StateError) {
    var status = stat()
    guard unsafe stat(model, &status) == 0 else { throw failure(errno, at: model) }
    guard geteuid() == 0 || status.st_uid == geteuid() else { throw .inaccessible(path: model, errno: EPERM) }
    if geteuid() == 0, unsafe chown(path, status.st_uid, status.st_gid) != 0 { throw failure(errno, at: path) }
    guard unsafe chmod(path, status.st_mode & 0o7777) == 0 else { throw failure(errno, at: path) }
  }

  /// What is in a directory; nothing where that cannot be read.
  static func names(in path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      names.append(
        unsafe withUnsafePointer(to: &entry.pointee.d_name) {
          unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        })
    }
    return names
  }

  /// The error for what the system said of `path`.
  static func failure(_ reason: Int32, at path: String) -> StateError {
    switch reason {
    case ENOTDIR: .notADirectory(path: path)
    case EROFS: .readOnly(path: path)
    case ENOSPC, EDQUOT: .diskFull(path: path)
    case EIO: .inputOutput(path: path, errno: reason)
    default: .inaccessible(path: path, errno: reason)
    }
  }

  /// Errors name the file that users know, not the draft.
  private static func write(_ bytes: [UInt8], to draft: String, for path: String) throws(StateError) {
    let descriptor = unsafe open(draft, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(errno, at: path) }
    defer { close(descriptor) }
    var written = 0
    // A umask may have taken the owner's own rights away.
    var reason = fchmod(descriptor, 0o600) == 0 ? 0 : errno
    while reason == 0, written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { written += count } else if count == 0 || errno != EINTR { reason = count == 0 ? ENOSPC : errno }
    }
    if reason == 0, !bytes.isEmpty, fsync(descriptor) != 0 { reason = errno }
    guard reason == 0 else {
      unsafe unlink(draft)
      throw failure(reason, at: path)
    }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
