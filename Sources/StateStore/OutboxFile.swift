// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// The database of an outbox, and which file it was opened from: a name can be given to another file.
struct OutboxFile {
  let database: SQLiteDatabase
  let identity: FileIdentity

  /// Makes the file at `path` unless there is one. If its log is there without it, an empty file is made, which
  /// ``open(_:within:found:)`` takes for the damage that it is: a new database would begin with the old log.
  static func ensure(_ path: String, within busyTimeout: Duration) throws(StateError) {
    let isNew = try FileIdentity.of(path + "-wal") == nil
    try PrivateFile.ensure(path) { draft throws(StateError) in
      guard isNew else { return }
      guard let database = try SQLiteDatabase(path: draft, as: path, busyTimeout: busyTimeout) else {
        throw .inaccessible(path: path, errno: ENOENT)
      }
      try database.execute("PRAGMA journal_mode = WAL")
      try Schema.outbox.migrate(database)
    }
  }

  /// Opens the file at `path`; nil if there is none.
  ///
  /// - Parameter found: gets the file that is going to be opened before anything can fail.
  /// - Throws: ``StateError/corrupt(path:)`` also for an empty file. ``ensure(_:within:)`` never leaves one, but a
  ///   power cut can; and SQLite would take it for a new database and remove the log beside it, records and all.
  static func open(
    _ path: String, within busyTimeout: Duration, found: (FileIdentity) -> Void = { _ in }
  ) throws(StateError) -> OutboxFile? {
    guard let (identity, size) = try FileIdentity.of(path) else { return nil }
    found(identity)
    guard size > 0 else { throw .corrupt(path: path) }
    guard let database = try SQLiteDatabase(path: path, busyTimeout: busyTimeout) else { return nil }
    // An `exec` stores one payload and ends. Moving the log into the database at each end would cost it two syncs; and
    // of a file that was moved away under this connection nothing may be changed any more.
    database.keepLogOnClose()
    if try Schema.outbox.found(in: database) < Schema.outbox.current { try Schema.outbox.migrate(database) }
    try database.execute("PRAGMA synchronous = FULL")
    return OutboxFile(database: database, identity: identity)
  }
}
