// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// A damaged outbox was set aside, and replaced by a new one with all that could be read of it.
///
/// Many processes may find the damage at the same time, and others may have the file open: a record that one of them
/// stores in a file that another is moving away would be lost unseen. So the file is moved only by the one process that
/// holds the outbox's lock exclusively, which it gets when no process works in the outbox, and only if it is still the
/// file in which the damage was met. All others continue in the new file at their next piece of work. Records keep
/// their numbers and their claims, so deliverers with records in flight settle them there.
public struct OutboxRecovery: Sendable, Equatable {
  /// Where the damaged file is now.
  public var path: String
  /// Records in the new outbox.
  public var saved = 0
  /// Of these, records that do not read as they were written: they are kept as corrupt.
  public var corrupt = 0
  /// Records that are known of and could not be read at all.
  public var unreadable = 0
  /// Whether there may have been more of them.
  var mayBeMore = false

  /// The event, as one sentence without its end.
  public var sentence: String {
    var lost = mayBeMore ? "what else there was cannot be read" : "none is lost"
    if unreadable > 0 { lost = "\(mayBeMore ? "at least " : "")\(unreadable) cannot be read" }
    let bad = corrupt > 0 ? " (\(corrupt) as corrupt, see `algo-run outbox list --state corrupt`)" : ""
    return "the outbox was damaged; it is at \(path) now, and \(saved) payload(s) of it were saved into a new one"
      + "\(bad), \(lost)"
  }

  /// Reports it on stderr, for owners that have no other place for it.
  public static func print(_ recovery: OutboxRecovery) {
    MessageStream.standardError.print(recovery.sentence)
  }

  /// Sets an outbox aside, unless another process has done so since.
  ///
  /// - Parameters:
  ///   - suspect: the file in which the damage was met.
  ///   - hold: the caller's, released.
  ///   - error: the damage that was met. It is thrown again if others were at work, or setting it aside, for the whole
  ///     of the wait, or if it turns out not to come from damage.
  /// - Returns: nil if another file has the name already: open it.
  static func recover(
    _ home: HomeDirectory, _ suspect: FileIdentity, _ hold: OutboxLock, after error: StateError,
    waiting wait: Duration, at now: Timestamp = WallClock.now()
  ) throws(StateError) -> OutboxRecovery? {
    guard try hold.exclude(within: wait) else { throw error }
    defer { hold.release() }
    guard try FileIdentity.of(home.outboxDatabase)?.file == suspect else { return nil }
    if !error.isCorruption, try !isDamaged(home.outboxDatabase) { throw error }
    do throws(StateError) {
      return try replace(home.outboxDatabase, in: home, at: now)
    } catch {
      // A process that may not write there reports the damage, which another can mend.
      switch error {
      case .inaccessible, .readOnly: throw .corrupt(path: home.outboxDatabase)
      default: throw error
      }
    }
  }

  private static func replace(
    _ path: String, in home: HomeDirectory, at now: Timestamp
  ) throws(StateError) -> OutboxRecovery {
    let (draft, scratch) = (path + ".new", path + ".salvage")
    for left in [draft, scratch] { removeDatabase(left) }
    defer { for left in [draft, scratch] { removeDatabase(left) } }
    moveLog(into: path)
    var recovery = try OutboxSalvage.copy(from: path, to: draft, by: scratch, at: now)
    // An administrator who works in a user's home must not take the file from the user.
    try PrivateFile.giveOwner(of: path, to: draft)
    recovery.path = try setAside(path, in: home, at: now)
    // Until now the damaged outbox is at its place, with all its records, whenever this process is killed.
    guard unsafe rename(draft, path) == 0 else { throw PrivateFile.failure(errno, at: path) }
    syncDirectory(home.path)
    return recovery
  }

  /// Copies the contents of the log into the database, because the log is moved away before the database is: beside the
  /// new database it would be taken for that one's. If this fails, nothing of the database can be read anyway.
  private static func moveLog(into path: String) {
    // SQLite would take an empty file for a new database and remove the log.
    guard let found = try? FileIdentity.of(path), found.size > 0,
      let database = try? SQLiteDatabase(path: path, busyTimeout: .seconds(2))
    else { return }
    database.keepLogOnClose()
    try? database.execute("PRAGMA wal_checkpoint(PASSIVE)")
  }

  /// Gives the database a second name, and moves the log away. The shared index is rebuilt from the log by SQLite.
  ///
  /// - Returns: the new name of the database.
  private static func setAside(_ path: String, in home: HomeDirectory, at now: Timestamp) throws(StateError) -> String {
    // A process that was killed here has given it one already.
    let earlier = try FileIdentity.of(path).flatMap { found throws(StateError) in try nameSetAside(found.file, in: home)
    }
    var aside = earlier ?? "\(path).corrupt-\(String(now.description.map { $0 == ":" ? "-" : $0 }))"
    while earlier == nil, PrivateFile.exists(aside) { aside += "-more" }
    if earlier == nil, unsafe link(path, aside) != 0 {
      // A file system without hard links. Killed between here and the next rename, this process leaves no outbox.
      guard unsafe rename(path, aside) == 0 else { throw PrivateFile.failure(errno, at: path) }
    }
    if PrivateFile.exists(path + "-wal"), unsafe rename(path + "-wal", aside + "-wal") != 0 {
      throw PrivateFile.failure(errno, at: path)
    }
    unsafe unlink(path + "-shm")
    return aside
  }

  /// Whether a file is one that was set aside: its successor has its records and their numbers.
  static func isSetAside(_ file: FileIdentity, in home: HomeDirectory) throws(StateError) -> Bool {
    try nameSetAside(file, in: home) != nil
  }

  private static func nameSetAside(_ file: FileIdentity, in home: HomeDirectory) throws(StateError) -> String? {
    for name in PrivateFile.names(in: home.path) where name.hasPrefix("outbox.db.corrupt-") {
      let path = "\(home.path)/\(name)"
      if try FileIdentity.of(path)?.file == file { return path }
    }
    return nil
  }

  private static func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm"] { unsafe unlink(path + suffix) }
  }

  private static func syncDirectory(_ path: String) {
    try? Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY, mode: 0).sync()
  }

  /// Whether there is anything in the file that SQLite, or the list of its tables, calls wrong.
  private static func isDamaged(_ path: String) throws(StateError) -> Bool {
    do {
      guard let database = try SQLiteDatabase(path: path, busyTimeout: .seconds(2)) else { return false }
      database.keepLogOnClose()
      let names = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
      let schema = try Schema.outbox.found(in: database)
      guard names == (schema == 0 ? 0 : Schema.outboxObjects) else { return true }
      return try database.statement("PRAGMA integrity_check(1)").first { $0.text(0) } != "ok"
    } catch {
      guard error.isCorruption else { throw error }
      return true
    }
  }
}
