internal import RunModel

/// Reads what can still be read of a damaged outbox into a new one, one record at a time, so that a page that cannot be
/// read takes along no record but its own.
struct OutboxSalvage {
  /// Numbers beyond this are no numbers that were ever given.
  private static let plausible: Int64 = 1 << 53
  /// After so many numbers in a row that cannot be read, larger and larger steps are made.
  private static let patience = 100_000

  private let into: SQLiteDatabase
  private let now: Timestamp
  private var top: Int64 = 0
  private var saved: Set<Int64> = []
  /// Records that were found and do not read as they were written; saved as corrupt where nothing better is found.
  private var bad: Set<Int64> = []
  private var takesBad = false
  private var result = OutboxRecovery(path: "")

  /// Makes a new outbox at `draft` of the records of the one at `path`. Their numbers, windows and claims stay.
  ///
  /// - Parameter scratch: where a copy may stand meanwhile.
  static func copy(
    from path: String, to draft: String, by scratch: String, at now: Timestamp
  ) throws(StateError) -> OutboxRecovery {
    try OutboxFile.ensure(draft, within: .seconds(2))
    guard let file = try OutboxFile.open(draft, within: .seconds(2)) else { throw .inaccessible(path: draft, errno: 2) }
    let scratch = try OutboxScratch(of: path, at: scratch, like: file)
    defer { scratch?.end() }
    var salvage = OutboxSalvage(into: file.database, now: now)
    try file.database.writing { () throws(StateError) in try salvage.run(scratch) }
    try file.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return salvage.result
  }

  private init(into: SQLiteDatabase, now: Timestamp) {
    self.into = into
    self.now = now
  }

  private mutating func run(_ scratch: OutboxScratch?) throws(StateError) {
    guard let scratch, let copy = try scratch.database() else {
      result.mayBeMore = true
      return try goOn(after: clockNumber)
    }
    let listed = listedNumbers(copy)
    let last = lastNumber(copy)
    top = last ?? max(listed.numbers.max() ?? 0, lastRow(copy) ?? 0)
    let isWhole = try readRows(copy)
    // What is hidden by a page that cannot be read, as far as an index tells.
    let hidden = listed.numbers.filter { !saved.contains($0) && (1...max(1, top)).contains($0) }
    for number in hidden.sorted() { _ = try read(copy, "WHERE id = ?", from: number) }
    if !isWhole || hidden.contains(where: { !saved.contains($0) }) {
      if last == nil { top = Self.plausible }
      try scratch.eachLeaf { leaf throws(StateError) in
        _ = try read(leaf, "WHERE id >= ?", from: 1, among: listed.isWhole ? hidden : nil, isLeaf: true)
      }
    }
    // Not before: a page above the leaves may lead to a wrong one, and the right one holds the record as it was.
    takesBad = true
    if listed.isWhole { bad.formIntersection(listed.numbers) }
    for number in bad.subtracting(saved).sorted() { _ = try read(copy, "WHERE id = ?", from: number) }
    result.unreadable = hidden.union(bad).subtracting(saved).count
    result.mayBeMore = !isWhole && !listed.isWhole
    try goOn(after: max(last ?? clockNumber, saved.max() ?? 0))
  }

  /// All rows up to a number, around those that cannot be read.
  ///
  /// - Returns: whether there was nothing to go around.
  private mutating func readRows(_ copy: SQLiteDatabase) throws(StateError) -> Bool {
    var next: Int64 = 1
    var misses = 0
    var isWhole = true
    while true {
      let reached = try read(copy, "WHERE id >= ? ORDER BY id", from: next)
      guard let reached else { return isWhole }
      isWhole = false
      misses = reached > next ? 0 : misses + 1
      next = reached + (misses > Self.patience ? Int64(misses - Self.patience) * 1000 : 1)
      guard next <= top else { return false }
    }
  }

  /// Saves the rows that a condition selects.
  ///
  /// - Returns: the number after the last one that was read where it went no further; nil at the end.
  private mutating func read(
    _ copy: SQLiteDatabase, _ condition: String, from first: Int64, among wanted: Set<Int64>? = nil,
    isLeaf: Bool = false
  ) throws(StateError) -> Int64? {
    var next = first
    var failure: StateError?
    do {
      // `NOT INDEXED`: an index may be what is damaged.
      try copy.statement(
        """
        SELECT id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted, state,
          next_attempt, last_error, claim, settled FROM payload NOT INDEXED \(condition)
        """
      ).rows([.integer(first)]) { row throws(StateError) in
        let number = row.integer(0)
        // The leaves of other tables are no records.
        if isLeaf, Outbox.record(row) == nil || wanted?.contains(number) == false { return }
        do throws(StateError) { try save(row) } catch {
          failure = error
          throw error
        }
        if (next...max(next, top)).contains(number) { next = number + 1 }
      }
      return nil
    } catch {
      if let failure { throw failure }
      return next
    }
  }

  private mutating func save(_ row: SQLiteStatement) throws(StateError) {
    let number = row.integer(0)
    let isGood = Outbox.record(row) != nil
    // A number that was never given is damage; a record with a good checksum is one all the same.
    let isNumbered = (1...max(top, 1)).contains(number)
    guard isNumbered ? !saved.contains(number) : isGood else { return }
    guard isGood || takesBad else {
      bad.insert(number)
      return
    }
    let state = isGood ? OutboxState(rawValue: row.integer(9)) ?? .pending : .corrupt
    let isPending = state == .pending
    let created = plausible(row.integer(5), to: now, or: now)
    let farthest = now + .seconds(366_000 * 86_400)
    let end = plausible(row.integer(6), to: farthest, or: now + Connection.standardDeliveryWindow)
    try into.statement(
      """
      INSERT INTO payload (id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted, state,
        next_attempt, last_error, claim, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """
    ).run(
      isNumbered ? .integer(number) : .null, .text(row.text(1)), .bytes(row.bytes(2)), .bytes(row.bytes(3)),
      .integer(row.integer(4)), .integer(created), .integer(end), .integer(row.integer(7)),
      // Whether the removal of one that was acknowledged is what got lost nobody knows.
      .integer(isPending || row.integer(8) != 0 ? 1 : 0), .integer(state.rawValue),
      .integer(row.integer(10) < end ? row.integer(10) : 0),
      isGood ? .optional(row.optionalText(11)) : .text(Outbox.corruptRecord),
      isPending ? .optional(row.optionalText(12)) : .null,
      isPending ? .null : .integer(isGood ? plausible(row.integer(13), to: now, or: now) : now.microseconds))
    saved.insert(into.lastInsertedRow)
    result.saved += 1
    if !isGood { result.corrupt += 1 }
  }

  /// A moment as a row tells it. The checksum covers what is delivered and not these: what makes no sense must not end a
  /// record's window, nor make it too old to be kept.
  private func plausible(_ moment: Int64, to last: Timestamp, or other: Timestamp) -> Int64 {
    let oldest = (now + .seconds(-3660 * 86_400)).microseconds
    return (oldest...max(oldest, last.microseconds)).contains(moment) ? moment : other.microseconds
  }

  /// The numbers that the indexes name, from both of their ends; each record in a known state stands in one of two.
  private func listedNumbers(_ copy: SQLiteDatabase) -> (numbers: Set<Int64>, isWhole: Bool) {
    var numbers: Set<Int64> = []
    var isWhole = true
    for (index, column, condition) in [("windows", "window_end", "state = 0"), ("settled", "settled", "state <> 0")] {
      for order in ["ASC", "DESC"] {
        do {
          try copy.statement(
            "SELECT id FROM payload INDEXED BY \(index) WHERE \(condition) ORDER BY \(column) \(order)"
          ).rows { numbers.insert($0.integer(0)) }
        } catch { isWhole = false }
      }
    }
    return (numbers.filter { (1...Self.plausible).contains($0) }, isWhole)
  }

  /// The number given last, however long ago its record was removed; nil where that cannot be read.
  private func lastNumber(_ copy: SQLiteDatabase) -> Int64? {
    let last = try? copy.integer("SELECT seq FROM sqlite_sequence WHERE name = 'payload'")
    return last.flatMap { (0...Self.plausible).contains($0) ? $0 : nil }
  }

  private func lastRow(_ copy: SQLiteDatabase) -> Int64? {
    let last = try? copy.integer("SELECT id FROM payload NOT INDEXED ORDER BY id DESC LIMIT 1")
    return last.flatMap { (1...Self.plausible).contains($0) ? $0 : nil }
  }

  /// Greater than any number counted from one: numbers are told apart though nobody knows which were given.
  private var clockNumber: Int64 { now.microseconds / 1000 }

  /// No number is given again, for a deliverer may have the record it once stood for under way.
  private func goOn(after number: Int64) throws(StateError) {
    try into.execute(
      """
      DELETE FROM sqlite_sequence WHERE name = 'payload';
      INSERT INTO sqlite_sequence (name, seq) VALUES ('payload', \(number))
      """)
  }
}
