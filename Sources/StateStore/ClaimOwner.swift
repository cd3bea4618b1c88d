// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Proof that a deliverer lives: a lock on a file of its own that the kernel releases at the moment its process ends,
/// however it ends. Claims in the outbox carry its ``name``.
///
/// A process number would not do: it is used again, means nothing in another container, and to ask about it is a race.
public final class DelivererToken {
  /// What claims carry.
  public let name: String
  private let path: String
  private let descriptor: Int32

  /// Makes a token in a home.
  public init(home: HomeDirectory) throws(StateError) {
    try home.create()
    try PrivateFile.makeDirectory(home.deliverersDirectory)
    while true {
      let name = String(UInt64.random(in: .min ... .max), radix: 36)
      let path = Self.path(of: name, in: home)
      let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        if errno == EEXIST { continue }
        throw PrivateFile.failure(errno, at: path)
      }
      // A umask may have taken the owner's own rights away, and others must be able to ask for the lock.
      fchmod(descriptor, 0o600)
      let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
      let reason = errno
      // Between making and locking it another may have taken the file for a dead deliverer's and removed it: then this
      // lock is on a file that has no name any more, and would prove nothing.
      var status = stat()
      if isLocked, unsafe fstat(descriptor, &status) == 0, status.st_nlink > 0 {
        self.name = name
        self.path = path
        self.descriptor = descriptor
        return
      }
      close(descriptor)
      guard isLocked || reason == EWOULDBLOCK else { throw PrivateFile.failure(reason, at: path) }
    }
  }

  deinit {
    // The name goes first: a name that is found must have its lock held as long as the deliverer lives.
    unsafe unlink(path)
    close(descriptor)
  }

  /// Whether the holder of a token lives; the file of one that does not is removed.
  static func isAlive(_ name: String, in home: HomeDirectory) -> Bool {
    let path = path(of: name, in: home)
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    // A file that is there but cannot be opened proves nothing: sending twice is worse than sending late.
    guard descriptor >= 0 else { return errno != ENOENT }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return true }
    unsafe unlink(path)
    return false
  }

  /// Removes what deliverers that died without a claim left behind.
  static func removeDead(in home: HomeDirectory) {
    for file in PrivateFile.names(in: home.deliverersDirectory) where file.hasSuffix(".lock") {
      _ = isAlive(String(file.dropLast(5)), in: home)
    }
  }

  private static func path(of name: String, in home: HomeDirectory) -> String {
    "\(home.deliverersDirectory)/\(name).lock"
  }
}
