// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Makes files (0600) and directories (0700) that only this user can read, whatever the umask is, and race-free.
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

  /// Makes a file at `path` if there is none.
  ///
  /// The file is made under another name and moved into place, for three reasons: it never has other
  /// rights; it is never seen half made; and no descriptor of it is closed here once others may have it open.
  /// Closing one drops every POSIX lock that this process holds on the file, SQLite's included.
  ///
  /// - Parameter fill: writes the contents into an empty file at the path that it gets; by default nothing.
  static func ensure(
    _ path: String, filledBy fill: (String) throws(StateError) -> Void = { _ in }
  ) throws(StateError) {
    guard !exists(path) else { return }
    removeAbandonedDrafts(of: path)
    while true {
      let draft = "\(path).new-\(getpid())-\(UInt64.random(in: .min ... .max))"
      try write([], to: draft, for: path)
      // SQLite's files beside it are there only if filling it failed.
      defer { for suffix in ["", "-journal", "-wal", "-shm"] { unsafe unlink(draft + suffix) } }
      do throws(StateError) {
        try fill(draft)
        guard unsafe link(draft, path) != 0, errno != EEXIST else { return }
        // A file system without hard links. Of two processes that make the file there at the same moment one may lose it.
        if [EPERM, EOPNOTSUPP, ENOSYS].contains(errno), unsafe exists(path) || rename(draft, path) == 0 { return }
        throw failure(errno, at: path)
      } catch {
        // A process that does not see this one, on another computer or in a container, has taken the draft for abandoned.
        guard !exists(draft), exists(folder(of: path)) else { throw error }
      }
    }
  }

  /// Removes what processes left that were killed while they made the file at `path`: no other would.
  private static func removeAbandonedDrafts(of path: String) {
    let folder = folder(of: path)
    let start = "\(path.dropFirst(folder.count + 1)).new-"
    // A draft comes before SQLite's files beside it: one without them cannot get the name of the file.
    for name in names(in: folder).sorted() where name.hasPrefix(start) {
      guard let process = name.dropFirst(start.count).split(separator: "-").first.flatMap({ pid_t($0) }), process > 0
      else { continue }
      if kill(process, 0) != 0 && errno == ESRCH || process == getpid() { unsafe unlink("\(folder)/\(name)") }
    }
  }

  private static func folder(of path: String) -> String {
    String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  /// Replaces the file at `path` by one with these bytes, in one step.
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
    let file = try open(path, O_RDONLY | O_NOCTTY)
    do throws(SystemError) { return try file.readAll(limit: .max) } catch { throw failure(error.code, at: path) }
  }

  /// Opens a file with the flags of open(2).
  static func open(_ path: String, _ flags: Int32) throws(StateError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.open(path, flags: flags, mode: 0o600)
    } catch { throw failure(error.code, at: path) }
  }

  /// Gives a file the owner and the rights of another one.
  static func giveOwner(of model: String, to path: String) throws(StateError) {
    var status = stat()
    guard unsafe stat(model, &status) == 0 else { throw failure(errno, at: model) }
    guard geteuid() == 0 || status.st_uid == geteuid() else { throw .inaccessible(path: model, errno: EPERM) }
    if geteuid() == 0, unsafe chown(path, status.st_uid, status.st_gid) != 0 { throw failure(errno, at: path) }
    guard unsafe chmod(path, status.st_mode & 0o7777) == 0 else { throw failure(errno, at: path) }
  }

  /// The names in a directory; none if it cannot be read.
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

  /// The error for an errno of a call on `path`.
  static func failure(_ reason: Int32, at path: String) -> StateError {
    switch reason {
    // A part of it that should be a directory is not one.
    case ENOTDIR: .notADirectory(path: folder(of: path))
    case EROFS: .readOnly(path: path)
    case ENOSPC, EDQUOT: .diskFull(path: path)
    case EIO, EFBIG: .inputOutput(path: path, errno: reason)
    default: .inaccessible(path: path, errno: reason)
    }
  }

  /// Errors name the file that users know, not the draft.
  private static func write(_ bytes: [UInt8], to draft: String, for path: String) throws(StateError) {
    do throws(SystemError) {
      let file = try Descriptor.open(draft, flags: O_CREAT | O_EXCL | O_WRONLY, mode: 0o600)
      do throws(SystemError) {
        // A umask may have taken the owner's own rights away.
        try file.setMode(0o600)
        try file.writeAll(bytes)
        if !bytes.isEmpty { try file.sync() }
      } catch {
        unsafe unlink(draft)
        throw error
      }
    } catch { throw failure(error.code, at: path) }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
