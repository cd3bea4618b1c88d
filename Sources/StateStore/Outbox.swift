internal import RunModel

/// The durable store of payloads that are not yet acknowledged: the life of a record in it, from append to
/// acknowledgement. One connection, for one thread at a time; any number of processes have one each.
///
/// A record is *pending* until it is removed by its acknowledgement or given up: *expired*, *rejected*, or *corrupt*
/// when it does not read as it was written. While a deliverer holds a *claim* on it, nobody else sends it; the claim
/// falls with the deliverer's process (``DelivererToken``).
///
/// The file keeps a write-ahead log with `synchronous=FULL`: an append is one sequential write and one `fdatasync`,
/// and then survives a power cut, where a rollback journal would take three. Whoever has many payloads appends them in
/// one call, because the sync is nearly all that an append costs.
public final class Outbox {
  /// The home it belongs to.
  public let home: HomeDirectory
  let database: SQLiteDatabase
  /// Holders found alive, and until when that is believed without looking again.
  var aliveHolders: [String: ContinuousClock.Instant] = [:]
  private let hold: OutboxHold

  /// Opens the outbox of a home; it is made where it is missing.
  ///
  /// - Parameter busyTimeout: how long a lock of another process is waited for, each time.
  /// - Throws: ``StateError``; when its `isCorruption` holds, ``OutboxRecovery`` can help.
  public convenience init(home: HomeDirectory, busyTimeout: Duration = .seconds(10)) throws(StateError) {
    try home.create()
    let hold = try OutboxHold.shared(home, within: busyTimeout)
    try PrivateFile.ensure(home.outboxDatabase)
    guard let database = try Self.openDatabase(home, busyTimeout) else {
      throw .inaccessible(path: home.outboxDatabase, errno: 2)
    }
    self.init(home: home, database: database, hold: hold)
  }

  /// Opens the outbox of a home if there is one: for those who only look.
  public static func existing(
    home: HomeDirectory, busyTimeout: Duration = .seconds(10)
  ) throws(StateError) -> Outbox? {
    guard PrivateFile.exists(home.outboxDatabase) else { return nil }
    let hold = try OutboxHold.shared(home, within: busyTimeout)
    guard let database = try openDatabase(home, busyTimeout) else { return nil }
    return Outbox(home: home, database: database, hold: hold)
  }

  private init(home: HomeDirectory, database: SQLiteDatabase, hold: OutboxHold) {
    self.home = home
    self.database = database
    self.hold = hold
  }

  /// Opens the file and brings it up to date; nil where there is none.
  static func openDatabase(_ home: HomeDirectory, _ busyTimeout: Duration) throws(StateError) -> SQLiteDatabase? {
    guard let database = try SQLiteDatabase(path: home.outboxDatabase, busyTimeout: busyTimeout) else { return nil }
    if try Schema.outbox.found(in: database) < Schema.outbox.current {
      try database.useWriteAheadLog(within: busyTimeout)
      try Schema.outbox.migrate(database)
    }
    try database.execute("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = \(logPages)")
    // An `exec` stores one payload and ends. Moving the log into the database at each end would cost it two syncs.
    database.keepLogOnClose()
    return database
  }

  /// Pages (4 KiB) after which the log is moved into the database. The first to open the outbox reads the log once, so
  /// this bounds what that costs an `exec`: 1 MiB takes about a millisecond.
  static let logPages = 64
  /// The same for those who write thousands of payloads, and to whom two syncs each time would cost more.
  static let longLogPages = 4096

  /// For those who write thousands of payloads: lets the log grow longer before it is moved into the database, which is
  /// then done at the end by ``shortenLog()``.
  public func useLongLog() throws(StateError) {
    try database.execute("PRAGMA wal_autocheckpoint = \(Self.longLogPages)")
  }

  /// Moves the log into the database now, as far as others that use it at this moment allow.
  public func shortenLog() throws(StateError) { try database.execute("PRAGMA wal_checkpoint(TRUNCATE)") }

  /// Stores payloads, all or none, and removes others that were acknowledged meanwhile, with one sync for both. When it
  /// returns, they survive a crash of the process and of the machine.
  ///
  /// - Parameters:
  ///   - entries: what to store, in order.
  ///   - owner: claims the new records for this deliverer at once, so that no other sends them in between.
  ///   - acknowledged: records to remove.
  /// - Returns: the numbers of the new records, in the order of `entries`.
  @discardableResult
  public func append(
    _ entries: [OutboxEntry], claimedBy owner: DelivererToken? = nil, removing acknowledged: [Int64] = []
  ) throws(StateError) -> [Int64] {
    guard !entries.isEmpty || !acknowledged.isEmpty else { return [] }
    let insert = try database.statement(
      "INSERT INTO payload (key, value, headers, checksum, created, window_end, claim) VALUES (?, ?, ?, ?, ?, ?, ?)")
    let claim = SQLiteValue.optional(owner?.name)
    return try database.writing { () throws(StateError) in
      var numbers: [Int64] = []
      numbers.reserveCapacity(entries.count)
      for entry in entries {
        let headers = RecordEncoding.encode(entry.record.headers)
        let checksum = RecordEncoding.checksum(key: entry.record.key, value: entry.record.value, headers: headers)
        try insert.run(
          .text(entry.record.key), .bytes(entry.record.value), .bytes(headers), .integer(checksum),
          .integer(entry.createdAt.microseconds), .integer(entry.windowEnd.microseconds), claim)
        numbers.append(database.lastInsertedRow)
      }
      try delete(acknowledged)
      return numbers
    }
  }

  /// Removes records that the broker has acknowledged, whoever claimed them: they are delivered.
  ///
  /// Without a sync of its own, which would be the larger part of what it costs: a power cut can undo it until the next
  /// append, and then the records are sent a second time, under the same key. A crash of the process undoes nothing.
  public func remove(_ acknowledged: [Int64]) throws(StateError) {
    guard !acknowledged.isEmpty else { return }
    try database.execute("PRAGMA synchronous = NORMAL")
    // Setting it takes neither lock nor disk, so it cannot fail where it just succeeded.
    defer { try? database.execute("PRAGMA synchronous = FULL") }
    try database.writing { () throws(StateError) in try delete(acknowledged) }
  }

  /// Whether there is a record besides this one, in whatever state. Takes no lock.
  public func hasOthers(besides id: Int64) throws(StateError) -> Bool {
    try database.statement("SELECT 1 FROM payload WHERE id <> ? LIMIT 1").first([.integer(id)], row: { _ in true })
      ?? false
  }

  private func delete(_ records: [Int64]) throws(StateError) {
    guard !records.isEmpty else { return }
    let delete = try database.statement("DELETE FROM payload WHERE id = ?")
    for record in records { try delete.run(.integer(record)) }
  }
}
