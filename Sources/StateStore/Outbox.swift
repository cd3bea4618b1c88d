// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform
internal import RunModel

/// The durable store of payloads that are not yet acknowledged: the life of a record in it, from append to
/// acknowledgement. One connection, for one thread at a time; any number of processes have one each.
///
/// A record is *pending* until it is removed by its acknowledgement or given up: *expired*, *rejected*, or *corrupt*
/// when it does not read as it was written. While a deliverer holds a *claim* on it, no other one sends it; the claim
/// falls with the deliverer's process (``ClaimOwner``).
///
/// The file keeps a write-ahead log with `synchronous=FULL`: an append is one sequential write and one `fdatasync`,
/// and then survives a power cut, where a rollback journal would take three. A caller with many payloads appends them
/// in one call, because the sync is nearly all that an append costs.
public final class Outbox {
  /// The home it belongs to.
  public let home: HomeDirectory
  /// When the wait for locks of other processes ends, for a caller whose whole work has a bound; nil if each lock may
  /// be waited for as long as `busyTimeout`. A lock is tried for ``momentaryLock`` even later.
  public var lockDeadline: MonotonicInstant?
  /// Nil but in a simulation.
  package weak var surroundings: (any OutboxSurroundings)?
  /// The monotonic clock.
  var elapsed: MonotonicInstant { surroundings?.elapsed ?? .now() }
  /// Holders found alive, and until when that is believed without looking again.
  var aliveHolders: [String: MonotonicInstant] = [:]
  /// Whether a caller has the number of a record from this one, and may still report its outcome.
  var hasGivenNumbers = false
  /// When fallback files are looked for again.
  var nextLookForFallback: MonotonicInstant?
  private var file: OutboxFile
  /// The file that was looked at last, open or not.
  private var looked: FileIdentity
  private let hold: OutboxLock
  private let busyTimeout: Duration
  private let onRecovery: (OutboxRecovery) -> Void
  private var isWorking = false
  private var checkpointPages = Outbox.logPages

  var database: SQLiteDatabase { file.database }

  /// Opens the outbox of a home; it is made if it is missing. One that turns out to be damaged, now or at any later
  /// call, is set aside for a new one, with all that can be read of it.
  ///
  /// - Parameters:
  ///   - busyTimeout: how long a lock of another process is waited for, each time.
  ///   - onRecovery: is called when a damaged outbox was set aside.
  public convenience init(
    home: HomeDirectory, busyTimeout: Duration = .seconds(10),
    onRecovery: @escaping (OutboxRecovery) -> Void = OutboxRecovery.print
  ) throws(StateError) {
    try home.create()
    let hold = try OutboxLock(home)
    try self.init(home, hold, busyTimeout, makes: true, onRecovery)
  }

  /// Opens the outbox of a home if there is one.
  ///
  /// - Throws: ``StateError`` also if it cannot be known whether there is one.
  public static func existing(
    home: HomeDirectory, busyTimeout: Duration = .seconds(10),
    onRecovery: @escaping (OutboxRecovery) -> Void = OutboxRecovery.print
  ) throws(StateError) -> Outbox? {
    guard try FileIdentity.of(home.outboxDatabase) != nil else { return nil }
    let hold = try OutboxLock(home)
    return try Outbox(home, hold, busyTimeout, makes: false, onRecovery)
  }

  private init(
    _ home: HomeDirectory, _ hold: OutboxLock, _ busyTimeout: Duration, makes: Bool,
    _ onRecovery: @escaping (OutboxRecovery) -> Void
  ) throws(StateError) {
    var looked: FileIdentity?
    func open() throws(StateError) -> OutboxFile {
      try hold.share(within: busyTimeout)
      defer { hold.release() }
      if makes { try OutboxFile.ensure(home.outboxDatabase, within: busyTimeout) }
      guard let file = try OutboxFile.open(home.outboxDatabase, within: busyTimeout, found: { looked = $0 }) else {
        throw .inaccessible(path: home.outboxDatabase, errno: ENOENT)
      }
      try file.database.execute("PRAGMA wal_autocheckpoint = \(Self.logPages)")
      return file
    }
    let file: OutboxFile
    do throws(StateError) {
      file = try open()
    } catch {
      guard error.mayBeDamage, let suspect = looked else { throw error }
      let recovery = try OutboxRecovery.recover(home, suspect, hold, after: error, waiting: busyTimeout)
      if let recovery { onRecovery(recovery) }
      file = try open()
    }
    self.home = home
    self.file = file
    self.looked = file.identity
    self.hold = hold
    self.busyTimeout = busyTimeout
    self.onRecovery = onRecovery
  }

  /// Every access to the database runs in here: under the shared lock, in the file that has the name now. When it
  /// meets damage, the outbox is set aside and the same is done once more in the new one, which knows the records by
  /// the same numbers.
  func working<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    guard !isWorking else { return try body() }
    do {
      return try workingOnce(body)
    } catch {
      guard error.mayBeDamage else { throw error }
      let recovery = try OutboxRecovery.recover(home, looked, hold, after: error, waiting: lockWait)
      if let recovery { onRecovery(recovery) }
      return try workingOnce(body)
    }
  }

  private func workingOnce<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    try surroundings?.willAccess()
    let wait = lockWait
    try hold.share(within: wait)
    database.waitForLocks(atMost: wait)
    isWorking = true
    defer {
      isWorking = false
      hold.release()
    }
    if try FileIdentity.of(home.outboxDatabase)?.file != file.identity { try follow() }
    return try body()
  }

  /// Healthy processes hold a lock for a few milliseconds, often, while several run at the same time: a caller that
  /// waits for nothing still waits for those.
  public static let momentaryLock = Duration.milliseconds(50)

  private var lockWait: Duration {
    guard let lockDeadline else { return busyTimeout }
    return min(busyTimeout, max(lockDeadline - MonotonicInstant.now(), Self.momentaryLock))
  }

  /// Continues in the file that another process put in the place of a damaged one. A file that is not a successor of
  /// the one before, because it was removed or replaced by hand, could give the numbers of records under way to others.
  private func follow() throws(StateError) {
    guard try OutboxRecovery.isSetAside(file.identity, in: home) || !hasGivenNumbers else {
      throw .inaccessible(path: home.outboxDatabase, errno: ENOENT)
    }
    try OutboxFile.ensure(home.outboxDatabase, within: busyTimeout)
    guard let next = try OutboxFile.open(home.outboxDatabase, within: busyTimeout, found: { looked = $0 }) else {
      throw .inaccessible(path: home.outboxDatabase, errno: ENOENT)
    }
    file = next
    try database.execute("PRAGMA wal_autocheckpoint = \(checkpointPages)")
  }

  /// Pages (4 KiB) after which the log is moved into the database. The first to open the outbox reads the log once, so
  /// this bounds the cost for an `exec`: 1 MiB takes about a millisecond.
  static let logPages = 64
  /// The same for those who write thousands of payloads, and to whom two syncs each time would cost more.
  static let longLogPages = 4096

  /// For those who write thousands of payloads: lets the log grow longer before it is moved into the database, which is
  /// then done at the end by ``shortenLog()``.
  public func useLongLog() throws(StateError) {
    checkpointPages = Self.longLogPages
    try working { () throws(StateError) in try database.execute("PRAGMA wal_autocheckpoint = \(checkpointPages)") }
  }

  /// Moves the log into the database now, as far as others that use it at this moment allow.
  public func shortenLog() throws(StateError) {
    try working { () throws(StateError) in try database.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
  }

  /// Reads all of it, and sets it aside if that shows damage: SQLite does not detect all damage by itself. Takes
  /// about a second for 100,000 payloads.
  public func examine() throws(StateError) {
    try working { () throws(StateError) in
      let verdict = try database.statement("PRAGMA integrity_check(1)").first { $0.text(0) }
      guard verdict == "ok" else { throw .corrupt(path: home.outboxDatabase) }
    }
  }

  /// Stores payloads, all or none, and removes others that were acknowledged in the meantime, with one sync for both.
  /// When it returns, they survive a crash of the process and of the machine.
  ///
  /// - Parameters:
  ///   - entries: what to store, in order.
  ///   - owner: claims the new records for this deliverer immediately, so that no other sends them in between.
  ///   - acknowledged: records to remove.
  /// - Returns: the numbers of the new records, in the order of `entries`.
  @discardableResult
  public func append(
    _ entries: [OutboxEntry], claimedBy owner: ClaimOwner? = nil, removing acknowledged: [Int64] = []
  ) throws(StateError) -> [Int64] {
    guard !entries.isEmpty || !acknowledged.isEmpty else { return [] }
    hasGivenNumbers = true
    return try writing { () throws(StateError) in
      let numbers = try insert(entries, claim: .optional(owner?.name))
      try delete(acknowledged)
      return numbers
    }
  }

  /// Inserts pending records, within ``writing(_:)``.
  ///
  /// - Returns: their numbers, in the order of `entries`.
  func insert(_ entries: [OutboxEntry], claim: SQLiteValue) throws(StateError) -> [Int64] {
    let insert = try database.statement(
      """
      INSERT INTO payload (key, value, headers, checksum, created, window_end, claim, last_error)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """)
    var numbers: [Int64] = []
    numbers.reserveCapacity(entries.count)
    for entry in entries {
      let headers = RecordEncoding.encode(entry.record.headers)
      let checksum = RecordEncoding.checksum(key: entry.record.key, value: entry.record.value, headers: headers)
      try insert.run(
        .text(entry.record.key), .bytes(entry.record.value), .bytes(headers), .integer(checksum),
        .integer(entry.createdAt.microseconds), .integer(entry.windowEnd.microseconds), claim,
        .optional(entry.obstacle))
      numbers.append(database.lastInsertedRow)
    }
    return numbers
  }

  /// Removes records that the broker has acknowledged, under any claim: they are delivered.
  ///
  /// Without a sync of its own, which would be the larger part of its cost: a power cut can undo it until the next
  /// append, and then the records are sent a second time, under the same key. A crash of the process undoes nothing.
  public func remove(_ acknowledged: [Int64]) throws(StateError) {
    guard !acknowledged.isEmpty else { return }
    try working { () throws(StateError) in
      try database.execute("PRAGMA synchronous = NORMAL")
      // Setting it takes neither lock nor disk, so it cannot fail after it just succeeded.
      defer { try? database.execute("PRAGMA synchronous = FULL") }
      try writing { () throws(StateError) in try delete(acknowledged) }
    }
  }

  /// Whether there is a record besides this one, in whatever state, or a fallback file. Takes no lock.
  public func hasOthers(besides id: Int64) throws(StateError) -> Bool {
    if FallbackFile.exists(in: home) { return true }
    return try working { () throws(StateError) in
      try database.statement("SELECT 1 FROM payload WHERE id <> ? LIMIT 1").first([.integer(id)], row: { _ in true })
        ?? false
    }
  }

  /// ``working(_:)`` as one transaction: all of it stays, or nothing.
  func writing<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
    try working { () throws(StateError) in try database.writing(body) }
  }

  private func delete(_ records: [Int64]) throws(StateError) {
    guard !records.isEmpty else { return }
    let delete = try database.statement("DELETE FROM payload WHERE id = ?")
    var isMissing = false
    for record in records {
      try delete.run(.integer(record))
      isMissing = isMissing || database.changes == 0
    }
    // No other process removes records in flight. A record that cannot be found any more may be found by the next
    // claim.
    if isMissing { try examine() }
  }
}
