// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Files that several processes write: locks, and whether a file still has its name.
extension Descriptor {
  /// How a file is locked against other open files of the same name.
  public enum LockKind: Sendable {
    /// Any number of others may have a shared lock, too.
    case shared
    /// No other has any lock.
    case exclusive
  }

  /// The result of ``lock(_:until:)``.
  public enum LockResult: Equatable {
    /// This open file has the lock until ``unlock()``, or until its last descriptor is closed.
    case taken
    /// Another open file has it.
    case busy
    /// The errno of flock(2): the file system has no locks.
    case failed(SystemError)
  }

  /// Locks the file. If another has the lock, tries again until `deadline`.
  ///
  /// A child inherits the lock with the descriptor, and has it until its exec. So the lock of a process that was killed
  /// while it started a child is free only a moment later: a successor tries for a second.
  public func lock(_ kind: LockKind, until deadline: MonotonicInstant? = nil) -> LockResult {
    let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
    var pause: useconds_t = 50
    while withNumber({ flock($0, operation) }) != 0 {
      if errno == EINTR { continue }
      guard errno == EWOULDBLOCK else { return .failed(SystemError(errno)) }
      guard let deadline, .now() < deadline else { return .busy }
      usleep(pause)
      pause = min(pause * 2, 2000)
    }
    return .taken
  }

  /// Gives up the lock, for the copies of this descriptor in starting children, too.
  public func unlock() { _ = withNumber { flock($0, LOCK_UN) } }

  /// Whether the file still has a name.
  public var hasName: Bool { status.map { $0.st_nlink > 0 } ?? false }

  /// Whether the file still has a name, and less than `size` bytes.
  public func hasName(ifShorterThan size: Int) -> Bool { status.map { $0.st_nlink > 0 && $0.st_size < size } ?? false }

  /// Makes the file `size` bytes long.
  ///
  /// - Throws: the errno of ftruncate(2).
  public func truncate(to size: Int) throws(SystemError) {
    try SystemError.check(withNumber { ftruncate($0, size) == 0 ? 0 : errno })
  }

  /// Waits until the file is on the disk.
  ///
  /// - Throws: the errno of fsync(2).
  public func sync() throws(SystemError) { try SystemError.check(withNumber { fsync($0) == 0 ? 0 : errno }) }

  /// Sets the rights of the file, whatever the umask is.
  ///
  /// - Throws: the errno of fchmod(2).
  public func setMode(_ mode: UInt32) throws(SystemError) {
    try SystemError.check(withNumber { fchmod($0, mode) == 0 ? 0 : errno })
  }
}
