// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// The outbox's lock file: shared by a process while it works on the outbox, exclusive while it sets a damaged outbox
/// aside. So no process writes into a database while it is moved away, and a service that has the outbox open for days
/// blocks no other process between two pieces of work.
final class OutboxLock {
  private let path: String
  private let file: Descriptor

  /// Opens the lock file, and makes it if it is missing; nothing is locked yet.
  init(_ home: HomeDirectory) throws(StateError) {
    path = home.outboxLock
    try PrivateFile.ensure(path)
    file = try PrivateFile.open(path, O_RDWR)
  }

  /// Waits for the shared lock. A process that salvages a damaged outbox has it exclusively until then.
  func share(within limit: Duration) throws(StateError) {
    guard try take(.shared, within: limit) else { throw .locked(path: path) }
  }

  /// Waits for the exclusive lock.
  ///
  /// - Returns: false if another process had it for the whole wait.
  func exclude(within limit: Duration) throws(StateError) -> Bool { try take(.exclusive, within: limit) }

  /// Gives up either.
  func release() { file.unlock() }

  private func take(_ kind: Descriptor.LockKind, within limit: Duration) throws(StateError) -> Bool {
    switch file.lock(kind, until: .now() + limit) {
    case .taken: return true
    case .busy: return false
    case .failed(let error): throw PrivateFile.failure(error.code, at: path)
    }
  }
}
