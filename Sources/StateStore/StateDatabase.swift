// SPDX-License-Identifier: Apache-2.0
internal import CSQLite

/// The connection to `state.db` that ``VersionStore`` and ``ConnectionStore`` share; opened when first used.
///
/// The file keeps SQLite's rollback journal, not a write-ahead log: it is written a few times a year and read by every
/// `exec`, and a log would make each reader map a shared index and, as the last to leave, clean up.
public final class StateDatabase {
  let home: HomeDirectory
  private let busyTimeout: Duration
  private var database: SQLiteDatabase?
  /// Whether all reads are of one moment, and whether the file was looked at in it.
  private var (isMoment, hasLooked) = (false, false)

  /// The state of a home; nothing is opened yet.
  ///
  /// - Parameter busyTimeout: how long a lock of another process is waited for.
  public init(home: HomeDirectory, busyTimeout: Duration = .seconds(10)) {
    self.home = home
    self.busyTimeout = busyTimeout
  }

  /// SQLite's version, such as `3.40.1`.
  public static var libraryVersion: String { unsafe String(cString: sqlite3_libversion()) }

  /// The file.
  var path: String { home.stateDatabase }

  /// Where the copied certificate authority goes.
  var certificateAuthority: String { home.certificateAuthority }

  /// Runs `body` in one read transaction, which bounds its wait for a lock by one `busyTimeout`.
  public func reading<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    guard database == nil, let opened = try SQLiteDatabase(path: path, busyTimeout: busyTimeout) else {
      return try body()
    }
    let result = try opened.reading { () throws(StateError) -> Result? in
      guard try isCurrent(opened) else { return nil }
      database = opened
      return try body()
    }
    if let result { return result }
    try Self.schema.migrate(opened)
    return try body()
  }

  /// The database to read from; nil if nothing was ever stored. Makes nothing and takes no lock but a shared one,
  /// except that tables of an older algo-run are brought up to date first.
  ///
  /// - Throws: ``StateError/corrupt(path:)`` also for a file without tables: algo-run never leaves one, a power cut can.
  func forReading() throws(StateError) -> SQLiteDatabase? {
    // The file can be replaced while a server runs, by a backup for example: what it holds counts from then on.
    if let database, hasLooked || !database.hasMoved {
      if !hasLooked { database.mark = nil }
      hasLooked = isMoment
      return database
    }
    database = nil
    guard let opened = try SQLiteDatabase(path: path, busyTimeout: busyTimeout) else { return nil }
    if try !isCurrent(opened) { try Self.schema.migrate(opened) }
    database = opened
    hasLooked = isMoment
    return opened
  }

  /// Runs `body`, whose values of ``SQLiteDatabase/current(_:_:)`` are those of one moment after its begin: only once is it
  /// found out whether the file was replaced or written.
  public func inOneMoment<Result>(_ body: () -> Result) -> Result {
    isMoment = true
    defer { (isMoment, hasLooked) = (false, false) }
    return body()
  }

  /// The database to write to; home, file and tables are made if they are missing.
  func forWriting() throws(StateError) -> SQLiteDatabase {
    try home.create()
    try PrivateFile.ensure(path) { draft throws(StateError) in
      guard let made = try SQLiteDatabase(path: draft, as: path, busyTimeout: busyTimeout) else {
        throw .inaccessible(path: path, errno: 2)
      }
      try Self.schema.migrate(made)
    }
    guard let opened = try forReading() else {
      // Made a moment ago and gone again: another process removes the home while it is used.
      throw .inaccessible(path: path, errno: 2)
    }
    return opened
  }

  private func isCurrent(_ opened: SQLiteDatabase) throws(StateError) -> Bool {
    let found = try Self.schema.found(in: opened)
    guard found > 0 else { throw .corrupt(path: path) }
    return found == Self.schema.current
  }

  static let schema = Schema(steps: [
    // Lists (command, environment) are their members, each ended by a NUL byte, which no argument can hold.
    // The connection is stored as named settings, so that a later version adds one without touching the others; a
    // setting that is a list has a row for each position.
    """
    CREATE TABLE version (
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      major INTEGER NOT NULL,
      minor INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      command BLOB NOT NULL,
      directory TEXT,
      time_limit_microseconds INTEGER,
      environment BLOB NOT NULL,
      notes TEXT NOT NULL,
      published_microseconds INTEGER NOT NULL,
      insights INTEGER NOT NULL CHECK (insights IN (0, 1)),
      PRIMARY KEY (owner, name, major, minor, revision)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER version_is_immutable BEFORE UPDATE OF
      owner, name, major, minor, revision, command, directory, time_limit_microseconds, environment, notes,
      published_microseconds ON version
    BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;

    CREATE TRIGGER version_is_kept BEFORE DELETE ON version
    BEGIN SELECT RAISE(ABORT, 'a published version is kept'); END;

    CREATE TABLE connection_setting (
      name TEXT NOT NULL,
      position INTEGER NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (name, position)
    ) STRICT, WITHOUT ROWID;
    """,
    // How workers are run: words in one text (WorkerSettings+Stored.swift); null for a process for each request.
    """
    ALTER TABLE version ADD COLUMN worker TEXT;

    CREATE TRIGGER worker_is_immutable BEFORE UPDATE OF worker ON version
    BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;
    """,
    // Keys of the HTTP API, as their SHA-256.
    """
    CREATE TABLE api_key (
      name TEXT NOT NULL PRIMARY KEY,
      scope TEXT NOT NULL,
      hash BLOB NOT NULL,
      created_microseconds INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    // SQLite reads the text of every table and trigger when it opens the file, and these took longer than the rest.
    // VersionStore, the only writer, changes nothing of a version but its switch.
    """
    DROP TRIGGER version_is_immutable;
    DROP TRIGGER version_is_kept;
    DROP TRIGGER worker_is_immutable;
    """,
  ])
}
