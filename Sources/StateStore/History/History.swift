// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
public import RunModel

/// The executions of a home, or of files: what `runs`, `compare` and the console read. For one thread at a time.
public final class History {
  let database: SQLiteDatabase
  private let home: HomeDirectory?
  private lazy var undelivered = home.map { UndeliveredPayloads(home: $0) }

  private init(_ database: SQLiteDatabase, home: HomeDirectory?, includesStored: Bool = false) throws(StateError) {
    self.database = database
    self.home = home
    try database.execute(Schema.runView(includesStored: includesStored))
  }

  /// Imports the journal of a home and opens its history. If nothing can be imported, because the home is read-only,
  /// the disk is full or another process holds the lock, the answer comes from the imported lines and from the
  /// journal, read into memory.
  ///
  /// - Parameters:
  ///   - lockWait: how long a lock of another process is waited for, each time.
  ///   - notice: receives messages for the user, as clauses.
  public static func open(
    home: HomeDirectory, lockWait: Duration = .seconds(1), notice: (String) -> Void = { _ in }
  ) throws(StateError) -> History {
    try open(home: home, lockWait: lockWait, limits: HistoryImport.Limits(), notice: notice)
  }

  static func open(
    home: HomeDirectory, lockWait: Duration = .seconds(1), limits: HistoryImport.Limits,
    notice: (String) -> Void = { _ in }
  ) throws(StateError) -> History {
    let history: History
    do throws(StateError) {
      let database = try database(of: home, lockWait: lockWait)
      if let database {
        let importer = HistoryImport(home: home, database: database)
        try importer.run()
        try importer.trim(limits)
      }
      let readable = if let database { database } else { try emptyDatabase(inMemory: true) }
      history = try History(readable, home: home)
    } catch {
      // An unreadable history must not be taken for an empty one.
      guard unsafe access(home.path, R_OK | X_OK) == 0 || errno == ENOENT else { throw error }
      if case .newerSchema = error {
        // Its tables may be others than those known here.
        notice("\(error); its executions are missing here: install the newer algo-run")
        history = try reading(home, includesStored: false, lockWait, notice)
      } else {
        notice("\(error); executions are read without importing them into \(home.historyDatabase)")
        history = try reading(home, includesStored: PrivateFile.exists(home.historyDatabase), lockWait, notice)
      }
    }
    try history.reportLosses(notice)
    return history
  }

  /// Segments that a reader of the history imports within a few seconds.
  private static let fewSegments = 8

  /// Whether more segments of a journal wait than a reader imports within a few seconds.
  public static func isBehind(_ home: HomeDirectory) -> Bool { HistorySegment.names(in: home).count > fewSegments }

  /// Imports the journal of a home if more than one segment waits, for processes that run long. Segments beyond a few are
  /// imported immediately, so that the journal does not grow without bound; then the import gives way to executions: the calling
  /// thread, which belongs to it, keeps the lowest priority.
  ///
  /// - Parameters:
  ///   - leavesFew: whether few segments are left to a reader, for processes that end.
  ///   - turn: for other threads.
  public static func importJournal(
    of home: HomeDirectory, leavesFew: Bool = false, _ turn: ImportTurn = ImportTurn()
  ) throws(StateError) {
    guard HistorySegment.names(in: home).count > (leavesFew ? fewSegments : 1) else { return }
    let isBehind = isBehind(home)
    // Beyond a few segments it follows an import that gave way and ends with its transaction.
    guard let database = try database(of: home, lockWait: isBehind ? .seconds(1) : .zero) else { return }
    // Not before: the first connection reads the log that a killed process left, under a lock that keeps readers out.
    if !isBehind { turn.yield() }
    // Whatever ends the import, the log is moved into the database before the last connection closes: then it would be moved
    // under a lock that keeps readers out, by a thread that may have to wait for the processor.
    defer { try? database.execute("PRAGMA wal_checkpoint") }
    // The memory of a batch must not depend on the number of its requests.
    try database.execute("PRAGMA cache_size = -192")
    let importer = HistoryImport(home: home, database: database, mayContinue: turn.mayContinue)
    if isBehind {
      try importer.run(leaving: fewSegments)
      turn.yield()
    }
    // The next import would overtake it, and the last one be cut off.
    if !leavesFew { try importer.run() }
    try importer.trim()
  }

  /// A history without a home, for executions of files and topics.
  public static func temporary() throws(StateError) -> History {
    try History(emptyDatabase(inMemory: false), home: nil)
  }

  private static func emptyDatabase(inMemory: Bool) throws(StateError) -> SQLiteDatabase {
    let database = try SQLiteDatabase(temporaryInMemory: inMemory)
    try Schema.history.migrate(database)
    return database
  }

  /// The database of a home, made if there is a journal to import. Nil if there is neither.
  private static func database(of home: HomeDirectory, lockWait: Duration) throws(StateError) -> SQLiteDatabase? {
    let path = home.historyDatabase
    if !HistorySegment.names(in: home).isEmpty {
      try PrivateFile.ensure(path) { draft throws(StateError) in
        guard let made = try SQLiteDatabase(path: draft, as: path, busyTimeout: lockWait) else {
          throw .inaccessible(path: path, errno: ENOENT)
        }
        try made.execute("PRAGMA journal_mode = WAL")
        try Schema.history.migrate(made)
      }
    }
    guard let database = try SQLiteDatabase(path: path, busyTimeout: lockWait) else { return nil }
    try Schema.history.migrate(database)
    try database.execute("PRAGMA synchronous = NORMAL")
    // Pages of the index of request IDs change again and again: the later the log moves into the database, the fewer
    // pages it moves. 16 MiB.
    try database.execute("PRAGMA wal_autocheckpoint = 4000")
    return database
  }

  /// Attempts to read the database and the journal without an import of another process in between.
  private static let readings = 10

  private static func reading(
    _ home: HomeDirectory, includesStored: Bool, _ lockWait: Duration, _ notice: (String) -> Void
  ) throws(StateError) -> History {
    var hasStored = includesStored
    var attempt = 0
    while true {
      attempt += 1
      let database = try emptyDatabase(inMemory: true)
      database.waitForLocks(atMost: lockWait)
      var offsets: [String: Int64] = [:]
      if hasStored {
        do throws(StateError) {
          try database.attach(home.historyDatabase, as: "stored")
          offsets = try storedOffsets(database)
        } catch {
          notice("\(home.historyDatabase) cannot be read (\(error)); its executions are missing here")
          try? database.execute("DETACH stored")
          hasStored = false
        }
      }
      try HistoryImport(home: home, database: database, storedOffsets: offsets).run()
      if hasStored {
        // From here on the database is read as it is now. A line that was imported in between would count twice.
        try database.execute("BEGIN")
        if try storedOffsets(database) != offsets, attempt < readings { continue }
      }
      return try History(database, home: home, includesStored: hasStored)
    }
  }

  private static func storedOffsets(_ database: SQLiteDatabase) throws(StateError) -> [String: Int64] {
    var offsets: [String: Int64] = [:]
    try database.statement("SELECT name, offset FROM stored.segment").rows { offsets[$0.text(0)] = $0.integer(1) }
    return offsets
  }

  private func reportLosses(_ notice: (String) -> Void) throws(StateError) {
    let broken = try database.integer("SELECT max(id) FROM broken") ?? 0
    if broken > 0 { notice("\(broken) line(s) of the journal did not read as they were written and were set aside") }
    let lost = (try? home.flatMap { try FileIdentity.of($0.lostSegmentsFile) }?.size) ?? 0
    if lost > 0 {
      notice("\(lost) segment(s) of the journal were removed before they were imported, because there were too many")
    }
  }

  // MARK: Reading

  /// The executions, newest first, as JSON objects, each without a newline: the members of the execution record without `payload`, and
  /// `delivery` as it is now.
  public func forEachLine(
    _ selection: RunSelection, limit: Int? = nil, _ body: ([UInt8]) -> Void
  ) throws(StateError) {
    let (condition, values) = selection.condition
    try lines("\(condition) \(Self.newestFirst) LIMIT \(limit ?? -1)", values) { body($1) }
  }

  /// The executions in two JSON objects each, which stay where they are until `body` returns: the record without its
  /// metrics, and the metrics.
  ///
  /// - Parameter inOrder: whether the first that started comes first; otherwise they come as is quickest.
  public func forEachRecord(
    _ selection: RunSelection, inOrder: Bool, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
  ) throws(StateError) {
    let (condition, values) = selection.condition
    let order = inOrder ? "ORDER BY started, id" : ""
    try database.statement("SELECT record, metrics FROM run \(condition) \(order)").rows(values) { row in
      unsafe body(row.buffer(0), row.buffer(1))
    }
  }

  /// The request IDs that begin with a text, the first ones in order.
  public func requestIDs(beginningWith prefix: String, limit: Int) throws(StateError) -> [String] {
    var ids: [String] = []
    try database.statement(
      "SELECT DISTINCT request_id FROM run WHERE request_id >= ? AND request_id < ? ORDER BY request_id LIMIT ?"
    ).rows([.text(prefix), .text(prefix + "\u{10FFFF}"), .integer(Int64(limit))]) { ids.append($0.text(0)) }
    return ids
  }

  /// The executions of a request ID, newest first.
  public func forEachLine(ofRequest id: String, _ body: ([UInt8]) -> Void) throws(StateError) {
    try lines("WHERE request_id = ? \(Self.newestFirst)", [.text(id)]) { body($1) }
  }

  static let newestFirst = "ORDER BY started DESC, id DESC"

  /// Calls `body` with the number of each row and its JSON.
  func lines(_ rest: String, _ values: [SQLiteValue], _ body: (Int64, [UInt8]) -> Void) throws(StateError) {
    let sql = "SELECT record, metrics, delivery, request_id, started, id FROM run \(rest)"
    try database.statement(sql).rows(values) { row throws(StateError) in
      var line = Array(row.text(0).utf8.dropLast())
      line.append(contentsOf: ",\"metrics\":".utf8)
      line.append(contentsOf: row.text(1).utf8)
      line.append(contentsOf: ",\"delivery\":".utf8)
      line.append(contentsOf: try delivery(row).utf8)
      line.append(UInt8(ascii: "}"))
      body(row.integer(5), line)
    }
  }

  /// The state of a payload now. At the end of its execution it was queued; since then the outbox knows better.
  private func delivery(_ row: SQLiteStatement) throws(StateError) -> String {
    let stored = row.text(2)
    guard stored.utf8.starts(with: "{\"state\":\"queued\"".utf8), let undelivered else { return stored }
    if let state = undelivered.state(of: row.text(3)) {
      return state == "queued" ? stored : "{\"state\":\"\(state)\"}"
    }
    guard undelivered.isKnown else { return stored }
    let settled = try settlement(of: row.text(3), since: row.integer(4))
    return "{\"state\":\"\(settled ?? "delivered")\"}"
  }

  private func settlement(of requestID: String, since start: Int64) throws(StateError) -> String? {
    for database in ["main", "stored"] {
      guard database == "main" || hasStored else { continue }
      let found = try self.database.statement(
        "SELECT state FROM \(database).settlement WHERE request_id = ? AND at >= ?"
      ).first([.text(requestID), .integer(start)]) { $0.text(0) }
      if let found { return found }
    }
    return nil
  }

  private lazy var hasStored = (try? database.integer("SELECT count(*) FROM stored.sqlite_schema")) != nil

  /// How many executions are meant.
  public func count(_ selection: RunSelection) throws(StateError) -> Int {
    let (condition, values) = selection.condition
    return try database.statement("SELECT count(*) FROM run \(condition)").first(values) { Int($0.integer(0)) } ?? 0
  }

  /// The versions that have such executions, in order.
  public func versions(_ selection: RunSelection) throws(StateError) -> [AlgorithmReference] {
    let (condition, values) = selection.condition
    var versions: [AlgorithmReference] = []
    try database.statement("SELECT DISTINCT owner, name, version FROM run \(condition) ORDER BY owner, name, version")
      .rows(values) { row in
        if let reference = Self.reference(row) { versions.append(reference) }
      }
    return versions
  }

  /// The latest version that a reference matches and that has executions.
  public func latestVersion(matching reference: AlgorithmReference) throws(StateError) -> VersionNumber? {
    guard case .exact(let number)? = try versions(RunSelection(reference)).last?.selector else { return nil }
    return number
  }

  /// The versions that reported metrics of such names, in order, each with those names.
  public func versions(reporting names: [String]) throws(StateError) -> [(version: AlgorithmReference, names: [String])]
  {
    guard !names.isEmpty else { return [] }
    var found: [(version: AlgorithmReference, names: [String])] = []
    let sql = """
      SELECT DISTINCT owner, name, version, j.key FROM run, json_each(run.metrics) j
      WHERE j.key IN (\(names.map { _ in "?" }.joined(separator: ", "))) ORDER BY owner, name, version, j.key
      """
    try database.statement(sql).rows(names.map { .text($0) }) { row in
      guard let version = Self.reference(row) else { return }
      if found.last?.version == version {
        found[found.count - 1].names.append(row.text(3))
      } else {
        found.append((version, [row.text(3)]))
      }
    }
    return found
  }

  /// The version of a row that begins with owner, name and version; nil for a bare command.
  private static func reference(_ row: SQLiteStatement) -> AlgorithmReference? {
    try? AlgorithmReference(parsing: "\(row.text(0))/\(row.text(1))/\(RunSelection.version(row.integer(2)))")
  }

  /// How many executions had each outcome.
  public func outcomes(_ selection: RunSelection) throws(StateError) -> [(outcome: String, count: Int)] {
    let (condition, values) = selection.condition
    var outcomes: [(outcome: String, count: Int)] = []
    try database.statement("SELECT outcome, count(*) FROM run \(condition) GROUP BY outcome ORDER BY 2 DESC, 1")
      .rows(values) { outcomes.append(($0.text(0), Int($0.integer(1)))) }
    return outcomes
  }

  // MARK: Adding

  /// Adds executions to a ``temporary()`` history, as one transaction; each of them once.
  ///
  /// - Parameter records: JSON objects with the members of an execution record.
  /// - Returns: how many were not such an object.
  public func add(_ records: [[UInt8]]) throws(StateError) -> Int {
    try database.writing { () throws(StateError) in
      let rows = try HistoryRows(database)
      var refused = 0
      for record in records {
        let isExecution = try unsafe record.span.bytes.withUnsafeBytes { json throws(StateError) in
          try unsafe rows.insertOnce(json)
        }
        if !isExecution { refused += 1 }
      }
      try rows.finish()
      return refused
    }
  }
}
