// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel

/// Copies what can still be read of a damaged outbox into a new one, one record at a time, so that a page that cannot
/// be read takes along no record but its own.
///
/// The table is read from both ends up to the first damaged page; records behind it are looked up by the numbers that
/// the indexes name. Damage to the root page of the table hides all records from SQLite.
struct OutboxSalvage {
  /// No record ever got a greater number.
  private static let plausible: Int64 = 1 << 53

  private let from: SQLiteDatabase
  private let into: SQLiteDatabase
  private let now: Timestamp
  /// Numbers that a record can have.
  private var wanted: Set<Int64>?
  private var saved: Set<Int64> = []
  /// Numbers of records that were found and do not read as they were written.
  private var bad: Set<Int64> = []
  private var corrupt = 0

  private init(from: SQLiteDatabase, into: SQLiteDatabase, now: Timestamp) {
    (self.from, self.into, self.now) = (from, into, now)
  }

  /// Makes a new outbox at `draft` of the records of the one at `path`. Their numbers, windows and claims stay.
  ///
  /// - Parameter scratch: the directory for a temporary copy.
  static func copy(
    from path: String, to draft: String, by scratch: String, at now: Timestamp
  ) throws(StateError) -> OutboxRecovery {
    try OutboxFile.ensure(draft, within: .seconds(2))
    var damaged = readable(path)
    if damaged == nil {
      try replaceFirstPage(of: path, by: draft, in: scratch)
      damaged = readable(scratch)
    }
    guard let new = try OutboxFile.open(draft, within: .seconds(2)) else { throw .inaccessible(path: draft, errno: 2) }
    let recovery = try new.database.writing { () throws(StateError) in
      guard let damaged else {
        try goOn(after: clockNumber(now), in: new.database)
        return OutboxRecovery(path: "", mayBeMore: true)
      }
      var salvage = OutboxSalvage(from: damaged, into: new.database, now: now)
      return try salvage.run()
    }
    try new.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return recovery
  }

  /// The database at `path`; nil if not all tables and indexes are known, which its first page lists.
  private static func readable(_ path: String) -> SQLiteDatabase? {
    // SQLite would take an empty file for a new database and remove the log beside it.
    guard let found = try? FileIdentity.of(path), found.size > 0,
      let database = try? SQLiteDatabase(path: path, busyTimeout: .seconds(2))
    else { return nil }
    database.keepLogOnClose()
    let objects = try? database.integer("SELECT count(*) FROM sqlite_schema")
    return objects == Schema.outboxObjects ? database : nil
  }

  /// Copies database and log to `scratch` with the first page of a new outbox: all outboxes begin alike.
  private static func replaceFirstPage(of path: String, by draft: String, in scratch: String) throws(StateError) {
    var copy = Array(try PrivateFile.contents(of: draft).prefix(4096))
    // With different counters here and at byte 24 SQLite takes the number of pages from the length of the file.
    copy[95] &+= 1
    copy += try PrivateFile.contents(of: path).dropFirst(4096)
    try PrivateFile.replace(scratch, with: copy)
    guard PrivateFile.exists(path + "-wal") else { return }
    try PrivateFile.replace(scratch + "-wal", with: try PrivateFile.contents(of: path + "-wal"))
  }

  private mutating func run() throws(StateError) -> OutboxRecovery {
    var listed: Set<Int64> = []
    // Each record is in one of the two indexes. A damaged index may name numbers that do not exist.
    var isListed = list("windows WHERE state = 0 ORDER BY window_end", &listed)
    isListed = list("settled WHERE state <> 0 ORDER BY settled", &listed) && isListed
    // A damaged page of the table may lead to a page of records that were removed, and to no error.
    if isListed { wanted = listed }
    let isWhole = try read("ORDER BY id")
    if !isWhole { _ = try read("ORDER BY id DESC") }
    let rest = (isListed ? listed : isWhole ? bad : listed.union(bad)).subtracting(saved)
    for number in rest.sorted() { _ = try read("WHERE id = ?", [.integer(number)], takesBad: true) }
    try Self.goOn(after: max(lastNumber ?? Self.clockNumber(now), saved.max() ?? 0), in: into)
    return OutboxRecovery(
      path: "", saved: saved.count, corrupt: corrupt, unreadable: rest.subtracting(saved).count,
      mayBeMore: !isListed && !isWhole)
  }

  /// Adds the numbers that an index names, read from both of its ends.
  ///
  /// - Returns: whether it met no damage.
  private func list(_ index: String, _ numbers: inout Set<Int64>) -> Bool {
    var isWhole = true
    for order in ["ASC", "DESC"] {
      do {
        try from.statement("SELECT id FROM payload INDEXED BY \(index) \(order)").rows { numbers.insert($0.integer(0)) }
      } catch { isWhole = false }
    }
    return isWhole
  }

  /// Saves the records that a query selects.
  ///
  /// - Parameter takesBad: also those that do not read as they were written, as corrupt ones.
  /// - Returns: whether it met no damage.
  private mutating func read(
    _ condition: String, _ values: [SQLiteValue] = [], takesBad: Bool = false
  ) throws(StateError) -> Bool {
    var failure: StateError?
    do {
      // `NOT INDEXED`: the damage may be in an index.
      try from.statement(
        """
        SELECT id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted, state,
          next_attempt, last_error, claim, settled FROM payload NOT INDEXED \(condition)
        """
      ).rows(values) { row throws(StateError) in
        let number = row.integer(0)
        guard wanted?.contains(number) ?? (1...Self.plausible).contains(number), !saved.contains(number) else { return }
        let isGood = Outbox.record(row) != nil
        guard isGood || takesBad else {
          bad.insert(number)
          return
        }
        do throws(StateError) { try save(row, as: number, isGood: isGood) } catch {
          failure = error
          throw error
        }
      }
      return true
    } catch {
      if let failure { throw failure }
      return false
    }
  }

  private mutating func save(_ row: SQLiteStatement, as number: Int64, isGood: Bool) throws(StateError) {
    let state = isGood ? OutboxState(rawValue: row.integer(9)) ?? .pending : .corrupt
    let isPending = state == .pending
    let end = plausible(row.integer(6), to: now + Self.longestWindow, or: now + Connection.standardDeliveryWindow)
    try into.statement(
      """
      INSERT INTO payload (id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted, state,
        next_attempt, last_error, claim, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """
    ).run(
      .integer(number), .text(row.text(1)), .bytes(row.bytes(2)), .bytes(row.bytes(3)), .integer(row.integer(4)),
      .integer(plausible(row.integer(5), to: now, or: now)), .integer(end), .integer(row.integer(7)),
      // The lost write may have been the removal of an acknowledged record.
      .integer(isPending || row.integer(8) != 0 ? 1 : 0), .integer(state.rawValue),
      .integer(row.integer(10) < end ? row.integer(10) : 0),
      isGood ? .optional(row.optionalText(11)) : .text(Outbox.corruptRecord),
      isPending ? .optional(row.optionalText(12)) : .null,
      isPending ? .null : .integer(isGood ? plausible(row.integer(13), to: now, or: now) : now.microseconds))
    saved.insert(number)
    if !isGood { corrupt += 1 }
  }

  /// A moment as a row has it. The checksum covers the record and not these: a senseless one must not end a
  /// record's window, nor make the record too old to be kept.
  private func plausible(_ moment: Int64, to last: Timestamp, or other: Timestamp) -> Int64 {
    let oldest = (now + .seconds(-3660 * 86_400)).microseconds
    return (oldest...max(oldest, last.microseconds)).contains(moment) ? moment : other.microseconds
  }

  /// No window that a user can ask for is longer.
  private static let longestWindow = Duration.seconds(366 * 86_400)

  /// The number given last, however long ago its record was removed; nil if it cannot be read.
  private var lastNumber: Int64? {
    let last = try? from.integer("SELECT seq FROM sqlite_sequence WHERE name = 'payload'")
    return last.flatMap { (1...Self.plausible).contains($0) ? $0 : nil }
  }

  /// Greater than any number counted from one: which numbers were given is not known.
  private static func clockNumber(_ now: Timestamp) -> Int64 { now.microseconds / 1000 }

  /// No number is given again, because a deliverer may still be sending the record that had it.
  private static func goOn(after number: Int64, in database: SQLiteDatabase) throws(StateError) {
    try database.execute(
      """
      DELETE FROM sqlite_sequence WHERE name = 'payload';
      INSERT INTO sqlite_sequence (name, seq) VALUES ('payload', \(number))
      """)
  }
}
