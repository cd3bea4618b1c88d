internal import Glibc

/// The database of an outbox, and which file it was opened from: a name can come to stand for another.
struct OutboxFile {
  let database: SQLiteDatabase
  let identity: FileIdentity

  /// Opens the file at `path` and brings it up to date; nil where there is none.
  ///
  /// - Parameter found: which file is going to be opened, told before anything can fail.
  static func open(
    _ path: String, within busyTimeout: Duration, found: (FileIdentity) -> Void = { _ in }
  ) throws(StateError) -> OutboxFile? {
    guard let (identity, size) = try FileIdentity.of(path) else { return nil }
    found(identity)
    // SQLite takes an empty file for a new database and removes the log beside it, records and all.
    if size == 0, let log = try FileIdentity.of(path + "-wal"), log.size > 0 { throw .corrupt(path: path) }
    guard let database = try SQLiteDatabase(path: path, busyTimeout: busyTimeout) else { return nil }
    // An `exec` stores one payload and ends. Moving the log into the database at each end would cost it two syncs; and
    // of a file that was moved away under this connection nothing may be changed any more.
    database.keepLogOnClose()
    if try Schema.outbox.found(in: database) < Schema.outbox.current {
      try database.useWriteAheadLog(within: busyTimeout)
      try Schema.outbox.migrate(database)
    }
    try database.execute("PRAGMA synchronous = FULL")
    return OutboxFile(database: database, identity: identity)
  }
}
