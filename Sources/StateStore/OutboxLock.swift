// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// A process's access to the outbox's lock file: shared while it works on the outbox, exclusive while it sets a damaged
/// outbox aside. So no process writes into a database while it is moved away, and a service that has the
/// outbox open for days blocks no other process between two pieces of work.
final class OutboxHold {
  private let path: String
  private let descriptor: Int32

  /// Opens the lock file, which is made where it is missing; nothing is locked yet.
  init(_ home: HomeDirectory) throws(StateError) {
    path = home.outboxLock
    try PrivateFile.ensure(path)
    descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw PrivateFile.failure(errno, at: path) }
  }

  /// Waits for a shared hold. A process that salvages a damaged outbox holds it exclusively until then.
  func share(within limit: Duration) throws(StateError) {
    guard try take(LOCK_SH, within: limit) else { throw .locked(path: path) }
  }

  /// Waits for the exclusive hold.
  ///
  /// - Returns: false if another process held it for the whole wait.
  func exclude(within limit: Duration) throws(StateError) -> Bool { try take(LOCK_EX, within: limit) }

  /// Gives up either. Said to the lock and not left to closing: a child that is being started has a copy of the
  /// descriptor.
  func release() { flock(descriptor, LOCK_UN) }

  private func take(_ kind: Int32, within limit: Duration) throws(StateError) -> Bool {
    guard flock(descriptor, kind | LOCK_NB) != 0 else { return true }
    let deadline = MonotonicInstant.now() + limit
    var pause: useconds_t = 100
    repeat {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw PrivateFile.failure(errno, at: path) }
      guard MonotonicInstant.now() < deadline else { return false }
      usleep(pause)
      pause = min(pause * 2, 5000)
    } while flock(descriptor, kind | LOCK_NB) != 0
    return true
  }

  deinit { close(descriptor) }
}
