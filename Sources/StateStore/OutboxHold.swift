internal import Glibc

/// A hold on the outbox's lock file: shared by everyone who has the outbox open, exclusive for the one who sets a
/// damaged outbox aside. So nobody ever writes into a database that is being moved away under it.
final class OutboxHold {
  private let descriptor: Int32

  /// Waits for a shared hold. Someone has it exclusively for as long as moving a file takes.
  static func shared(_ home: HomeDirectory, within limit: Duration) throws(StateError) -> OutboxHold {
    guard let hold = try OutboxHold(home, LOCK_SH, within: limit) else { throw .locked(path: home.outboxLock) }
    return hold
  }

  /// Waits for the exclusive hold; nil where someone had the outbox open for the whole of the wait.
  static func exclusive(_ home: HomeDirectory, within limit: Duration) throws(StateError) -> OutboxHold? {
    try OutboxHold(home, LOCK_EX, within: limit)
  }

  private init?(_ home: HomeDirectory, _ kind: Int32, within limit: Duration) throws(StateError) {
    let path = home.outboxLock
    try PrivateFile.ensure(path)
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw PrivateFile.failure(errno, at: path) }
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    var pause: useconds_t = 100
    while flock(descriptor, kind | LOCK_NB) != 0 {
      let reason = errno
      guard reason == EWOULDBLOCK || reason == EINTR else {
        close(descriptor)
        throw PrivateFile.failure(reason, at: path)
      }
      guard clock.now < deadline else {
        close(descriptor)
        return nil
      }
      usleep(pause)
      pause = min(pause * 2, 5000)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
