// SPDX-License-Identifier: Apache-2.0
internal import CSQLite
internal import Glibc
internal import RunModel

/// One connection to one SQLite file, for one thread at a time. With ``SQLiteStatement`` the only file that keeps a
/// pointer of SQLite's.
@safe final class SQLiteDatabase {
  /// The file.
  let path: String
  private let handle: OpaquePointer
  private static let isConfigured: Void = csqlite_allocate_as_needed()
  /// Prepared once, for preparing costs more than most of them do when they run. A list: there are a few, and the first
  /// dictionary of a process costs `exec` a search for the conformances of its keys.
  private var statements: [(sql: String, prepared: SQLiteStatement)] = []
  /// The mark of its state at the moment that is asked for, once it was read.
  var mark: SIMD16<UInt8>?

  /// Opens the file at `path`, which must exist: nothing is made by opening it.
  ///
  /// It is opened for writing if its rights allow that, because even a reader may have to undo the changes of a writer
  /// that died; a file that may only be read is opened for reading.
  ///
  /// - Parameters:
  ///   - name: what errors call the file, for a draft of one that users know.
  ///   - busyTimeout: how long a lock of another process is waited for, each time.
  /// - Returns: nil if there is no such file.
  init?(path: String, as name: String? = nil, busyTimeout: Duration) throws(StateError) {
    _ = Self.isConfigured
    var opened: OpaquePointer?
    // No connection is shared between threads, so its mutexes would only cost.
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened = unsafe opened else {
      let error = unsafe Self.error(code, opened, name ?? path)
      unsafe sqlite3_close_v2(opened)
      if case .inaccessible(_, ENOENT) = error { return nil }
      throw error
    }
    self.path = name ?? path
    unsafe handle = opened
    waitForLocks(atMost: busyTimeout)
  }

  /// A database of its own that goes with this connection: in memory, or in a file without a name, which SQLite keeps
  /// in memory while it is small.
  init(temporaryInMemory isInMemory: Bool) throws(StateError) {
    _ = Self.isConfigured
    var opened: OpaquePointer?
    path = isInMemory ? ":memory:" : ""
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened = unsafe opened else {
      let error = unsafe Self.error(code, opened, "a temporary database")
      unsafe sqlite3_close_v2(opened)
      throw error
    }
    unsafe handle = opened
  }

  /// Adds another database file under `name`, for reading only. A file in a directory that cannot be written is taken
  /// as one that does not change, because SQLite could not coordinate with a writer there.
  ///
  /// - Throws: ``StateError/locked(path:)`` if another process keeps readers out. Its log is then not read either, and
  ///   without the log the file may lack rows.
  func attach(_ path: String, as name: String) throws(StateError) {
    let uri = "file:" + path.utf8.map { Self.isPlain($0) ? String(UnicodeScalar($0)) : Self.escaped($0) }.joined()
    do throws(StateError) {
      try statement("ATTACH ? AS \(name)").run(.text(uri + "?mode=ro"))
      _ = try integer("SELECT count(*) FROM \(name).sqlite_schema")
    } catch {
      try? execute("DETACH \(name)")
      if error.isLock { throw .locked(path: path) }
      try statement("ATTACH ? AS \(name)").run(.text(uri + "?immutable=1"))
      _ = try integer("SELECT count(*) FROM \(name).sqlite_schema")
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f && !"?#%".utf8.contains(byte) }

  private static func escaped(_ byte: UInt8) -> String {
    "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  /// Sets how long a lock of another process is waited for from now on, each time.
  func waitForLocks(atMost busyTimeout: Duration) {
    unsafe sqlite3_busy_timeout(handle, Int32(clamping: busyTimeout.wholeMicroseconds / 1000))
  }

  deinit { unsafe sqlite3_close_v2(handle) }

  /// The statement of this text, prepared at its first use. A use must end before the next one of the same text begins.
  func statement(_ sql: String) throws(StateError) -> SQLiteStatement {
    if let known = statements.first(where: { $0.sql == sql }) { return known.prepared }
    var statement: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code) }
    let prepared = unsafe SQLiteStatement(statement, of: self)
    statements.append((sql, prepared))
    return prepared
  }

  /// Runs one or more statements that take and return nothing.
  func execute(_ sql: String) throws(StateError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// Runs a statement once and takes the number in its first row; nil without a row.
  func integer(_ sql: String) throws(StateError) -> Int64? {
    try statement(sql).first { $0.integer(0) }
  }

  /// Runs `body` with the write lock held from the start; all that it does stays, or, when it throws, nothing.
  ///
  /// Taking the lock first is what makes reading a number and then writing the next one safe: a transaction that starts
  /// as a reader can find that another wrote in between, and no wait helps it then.
  func writing<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    try transaction("BEGIN IMMEDIATE", body)
  }

  /// Runs `body` in one read transaction: all its queries see the same state of the file. It takes one shared lock, at
  /// its first query, where each query alone would take its own and look at the file's header again.
  func reading<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    try transaction("BEGIN", body)
  }

  private func transaction<Result>(
    _ begin: String, _ body: () throws(StateError) -> Result
  ) throws(StateError) -> Result {
    try statement(begin).run()
    do {
      let result = try body()
      try statement("COMMIT").run()
      return result
    } catch {
      // SQLite has rolled back by itself after some errors, such as a full disk: a second time does no harm.
      _ = unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  /// Rows that the last statement changed.
  var changes: Int { Int(unsafe sqlite3_changes64(handle)) }

  /// The rowid of the last row inserted.
  var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Leaves the write-ahead log as it is when this connection closes last, which saves a short-lived process the cost
  /// of moving it into the database; the next one that finds it long enough does.
  func keepLogOnClose() { _ = unsafe csqlite_keep_log_on_close(handle) }

  /// Whether the name of the file now means another file, or none: a restored backup, a home that was removed.
  var hasMoved: Bool { unsafe csqlite_has_moved(handle) != 0 }

  /// Calls `body` with SQLite's handle of this connection.
  func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result { unsafe body(handle) }

  /// The error for a result code that this connection just gave.
  func error(_ code: Int32) -> StateError { unsafe Self.error(code, handle, path) }

  private static func error(_ code: Int32, _ handle: OpaquePointer?, _ path: String) -> StateError {
    let reason = unsafe handle == nil ? errno : sqlite3_system_errno(handle)
    switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: return .locked(path: path)
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .corrupt(path: path)
    case SQLITE_FULL: return .diskFull(path: path)
    case SQLITE_READONLY: return .readOnly(path: path)
    case SQLITE_CANTOPEN, SQLITE_PERM:
      // SQLite distinguishes a missing file from a forbidden one by the system's error alone, and EISDIR has none.
      return PrivateFile.failure(reason == 0 ? EACCES : reason, at: path)
    case SQLITE_IOERR:
      return reason == ENOSPC || reason == EDQUOT ? .diskFull(path: path) : .inputOutput(path: path, errno: reason)
    default:
      let message = unsafe handle == nil ? sqlite3_errstr(code) : sqlite3_errmsg(handle)
      let text = unsafe message.map { unsafe String(cString: $0) } ?? "no message"
      return .refused(path: path, code: code, message: text)
    }
  }
}
