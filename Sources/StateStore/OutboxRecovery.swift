internal import Glibc
public import RunModel

/// Sets a damaged outbox aside so that delivery goes on with a new one.
///
/// Many processes may find the damage at once, and some may still have the file open: a record that one of them stored
/// in a file that another is moving away would be lost unseen. So the file is moved only by the one process that holds
/// the outbox's lock exclusively, which it gets when nobody has the outbox open, and only if it is damaged still. A
/// process that cannot get it writes its payload to the fallback file and goes on.
public enum OutboxRecovery: Sendable, Equatable {
  /// There was no damage to be found, or another process has dealt with it: open the outbox again.
  case sound
  /// The damaged file is at `path` now, and a new outbox holds the `salvaged` pending records that could still be read.
  case setAside(path: String, salvaged: Int)

  /// Checks the outbox of a home and sets it aside if it is damaged. The caller must not have it open.
  ///
  /// - Parameter wait: how long others may take to close it.
  /// - Throws: ``StateError/locked(path:)`` where others had it open for the whole of the wait.
  public static func recover(
    home: HomeDirectory, waiting wait: Duration = .milliseconds(200), at now: Timestamp = WallClock.now()
  ) throws(StateError) -> OutboxRecovery {
    guard let hold = try OutboxHold.exclusive(home, within: wait) else { throw .locked(path: home.outboxDatabase) }
    defer { withExtendedLifetime(hold) {} }
    guard try isDamaged(home.outboxDatabase) else { return .sound }

    let stamp = String(now.description.map { $0 == ":" ? "-" : $0 })
    let aside = "\(home.outboxDatabase).corrupt-\(stamp)"
    // The log belongs to the database and holds the latest records. The shared index is rebuilt from it by anyone.
    for suffix in ["", "-wal"] where PrivateFile.exists(home.outboxDatabase + suffix) {
      guard unsafe rename(home.outboxDatabase + suffix, aside + suffix) == 0 else {
        throw PrivateFile.failure(errno, at: home.outboxDatabase)
      }
    }
    unsafe unlink(home.outboxDatabase + "-shm")
    return .setAside(path: aside, salvaged: try salvage(from: aside, into: home))
  }

  private static func isDamaged(_ path: String) throws(StateError) -> Bool {
    do {
      guard let database = try SQLiteDatabase(path: path, busyTimeout: .seconds(2)) else { return false }
      database.keepLogOnClose()
      return try database.statement("PRAGMA quick_check(1)").first { $0.text(0) } != "ok"
    } catch {
      guard error.isCorruption else { throw error }
      return true
    }
  }

  /// Copies the pending records that can still be read. Their windows stay as they were.
  private static func salvage(from aside: String, into home: HomeDirectory) throws(StateError) -> Int {
    let records = readable(aside)
    guard !records.isEmpty else { return 0 }
    try PrivateFile.ensure(home.outboxDatabase)
    guard let database = try Outbox.openDatabase(home, .seconds(2)) else { return 0 }
    let insert = try database.statement(
      """
      INSERT INTO payload (key, value, headers, checksum, created, window_end, attempts, possibly_persisted)
      VALUES (?, ?, ?, ?, ?, ?, ?, 1)
      """)
    try database.writing { () throws(StateError) in
      for (_, record) in records.sorted(by: { $0.key < $1.key }) {
        let headers = RecordEncoding.encode(record.record.headers)
        let sum = RecordEncoding.checksum(key: record.record.key, value: record.record.value, headers: headers)
        try insert.run(
          .text(record.record.key), .bytes(record.record.value), .bytes(headers), .integer(sum),
          .integer(record.createdAt.microseconds), .integer(record.windowEnd.microseconds),
          .integer(Int64(record.attempts)))
      }
    }
    return records.count
  }

  /// The pending records of a damaged file: from the front to the damage, then from the back to it.
  private static func readable(_ path: String) -> [Int64: OutboxRecord] {
    var records: [Int64: OutboxRecord] = [:]
    for order in ["ASC", "DESC"] {
      do {
        guard let database = try SQLiteDatabase(path: path, busyTimeout: .seconds(2)) else { continue }
        database.keepLogOnClose()
        // `NOT INDEXED`: an index may be what is damaged.
        try database.statement(
          """
          SELECT id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted
          FROM payload NOT INDEXED WHERE state = 0 ORDER BY id \(order)
          """
        ).rows { row in
          if let record = Outbox.record(row) { records[record.id] = record }
        }
        return records
      } catch {
        // The damage is reached; what was read before it is good by its checksum.
        continue
      }
    }
    return records
  }
}
