// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Whether a descriptor can be the one that a supervisor gave.
///
/// A program may have been started with the variable but without the descriptor, or may have closed it: then the
/// number belongs to whatever was opened next, and a line there would damage a database or a model file.
enum GivenDescriptor {
  private struct Identity: Equatable {
    let descriptor: CInt
    let device: dev_t
    let inode: ino_t
  }

  /// The result of the first call. Guarded by ``WriteLock``.
  private nonisolated(unsafe) static var first: Identity?

  /// Call with the lock held.
  static func isStillGiven(_ descriptor: CInt) -> Bool {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE == O_WRONLY else { return false }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    let identity = Identity(descriptor: descriptor, device: status.st_dev, inode: status.st_ino)
    guard let known = first, known.descriptor == descriptor else {
      first = identity
      return true
    }
    // Another pipe was put there on purpose; another file was not.
    return known == identity || status.st_mode & S_IFMT == S_IFIFO
  }
}
