// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// Moves the lines of a home's journal into a database.
///
/// Each transaction takes the write lock first, reads how far a segment has been imported, inserts what stands behind
/// it and stores the new offset. So two importers insert no line twice, and after SIGKILL the next one continues where
/// the last transaction ended.
struct HistoryImport {
  /// How much is kept.
  struct Limits {
    var age = Duration.seconds(90 * 86_400)
    var rows: Int64 = 1_000_000
    /// Rows that one transaction removes.
    var rowsAtOnce: Int64 = 2_000
  }

  /// Bytes of one reading: more than the longest line, and little beside the memory of a batch.
  private static let pieceLength = HistorySegment.longestLine + 4096
  /// Bytes of one transaction. Each row changes another page of the index of request IDs; the more rows, the more of them
  /// share a page that is written once.
  private static let transactionLength: Int64 = 1 << 20
  /// Time after which a transaction ends with the piece that it is at: other importers wait for it.
  private static let longestTransaction = Duration.milliseconds(100)
  private static let brokenLines = 1000

  let home: HomeDirectory
  let database: SQLiteDatabase
  /// Offsets of a database that cannot be written; nil if `database` holds the offsets and segments may be removed.
  var storedOffsets: [String: Int64]?
  /// Asked before each transaction.
  var mayContinue: () -> Bool = { true }

  /// Imports the segments, the oldest first, and removes those that are at their end.
  ///
  /// - Parameter left: how many of the newest segments are left.
  func run(leaving left: Int = 0) throws(StateError) {
    try unsafe withUnsafeTemporaryAllocation(byteCount: Self.pieceLength, alignment: 16) { buffer throws(StateError) in
      try unsafe run(HistorySegment.names(in: home).dropLast(left), buffer)
    }
  }

  private func run(_ names: ArraySlice<String>, _ buffer: UnsafeMutableRawBufferPointer) throws(StateError) {
    for name in names where mayContinue() {
      let path = HistorySegment.path(name, in: home)
      let file: Descriptor
      do throws(SystemError) {
        file = try Descriptor.open(path, flags: O_RDONLY | O_NOCTTY | O_NOFOLLOW, mode: 0)
      } catch {
        // Another importer has removed it.
        if error.code == ENOENT { continue }
        throw PrivateFile.failure(error.code, at: path)
      }
      try unsafe importSegment(name, file, buffer)
    }
  }

  private func importSegment(
    _ name: String, _ file: Descriptor, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(StateError) {
    while mayContinue(), try unsafe importPieces(name, file, buffer, isAtEnd: false) {}
    guard mayContinue(), storedOffsets == nil, file.size > 0 else { return }
    // Under the exclusive lock nothing can be appended any more: a line without its end is torn.
    guard file.lock(.exclusive) == .taken else { return }
    while try unsafe importPieces(name, file, buffer, isAtEnd: true) {}
    unsafe unlink(HistorySegment.path(name, in: home))
  }

  /// Imports the next lines of a segment in one transaction.
  ///
  /// - Parameter isAtEnd: whether a line without a newline at its end is complete.
  /// - Returns: whether there may be more.
  private func importPieces(
    _ name: String, _ file: Descriptor, _ buffer: UnsafeMutableRawBufferPointer, isAtEnd: Bool
  ) throws(StateError) -> Bool {
    // Looked at first without the write lock: most of the time there is nothing new.
    guard try offset(of: name) < Int64(file.size) else { return false }
    return try database.writing { () throws(StateError) in
      let start = try offset(of: name)
      // Removed by another importer, which has imported it, or as the oldest of too many.
      guard file.hasName else { return false }
      let deadline = MonotonicInstant.now() + Self.longestTransaction
      var offset = start
      var isFull = true
      while isFull, offset < start + Self.transactionLength, MonotonicInstant.now() < deadline {
        let piece = try unsafe read(file, at: Int(offset), name, buffer)
        isFull = piece.count == buffer.count
        var end = unsafe piece.lastIndex(of: HistorySegment.newline).map { $0 + 1 } ?? 0
        if isAtEnd && !isFull || end == 0 && isFull { end = piece.count }
        try unsafe insert(UnsafeRawBufferPointer(rebasing: piece[..<end]))
        offset += Int64(end)
      }
      guard offset > start else { return false }
      try database.statement(
        "INSERT INTO segment VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET offset = excluded.offset"
      ).run(.text(name), .integer(offset))
      return isFull
    }
  }

  private func offset(of name: String) throws(StateError) -> Int64 {
    let own = try database.statement("SELECT offset FROM segment WHERE name = ?").first([.text(name)]) { $0.integer(0) }
    return own ?? storedOffsets?[name] ?? 0
  }

  /// Fills the buffer from a segment, less at its end.
  private func read(
    _ file: Descriptor, at offset: Int, _ name: String, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(StateError) -> UnsafeRawBufferPointer {
    var length = 0
    while length < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[length...])
      do throws(SystemError) {
        let count = try unsafe file.read(into: rest, at: offset + length)
        if count == 0 { break }
        length += count
      } catch {
        throw PrivateFile.failure(error.code, at: HistorySegment.path(name, in: home))
      }
    }
    return unsafe UnsafeRawBufferPointer(rebasing: buffer[..<length])
  }

  private func insert(_ lines: UnsafeRawBufferPointer) throws(StateError) {
    let rows = try HistoryRows(database)
    var start = 0
    while start < lines.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: lines[start...])
      guard let first = rest.baseAddress else { break }
      let newline = unsafe memchr(first, CInt(HistorySegment.newline), rest.count)
      let length = unsafe newline.map { unsafe UnsafeRawPointer($0) - first } ?? rest.count
      start += length + 1
      // Each line has a newline before it as well.
      guard length > 0 else { continue }
      let line = unsafe UnsafeRawBufferPointer(rebasing: rest[..<length])
      if let json = unsafe HistorySegment.decode(line), try unsafe rows.insert(json) { continue }
      try unsafe setAside(line)
    }
    try rows.finish()
  }

  private func setAside(_ line: UnsafeRawBufferPointer) throws(StateError) {
    try database.statement("INSERT INTO broken (line) VALUES (?)").run(
      .bytes(unsafe Array(line.prefix(HistorySegment.longestLine))))
    try database.statement("DELETE FROM broken WHERE id <= ?").run(
      .integer(database.lastInsertedRow - Int64(Self.brokenLines)))
  }

  /// Removes rows that are older, or more, than the retention, and the offsets of segments that are gone; a bounded
  /// number of rows in each transaction.
  func trim(_ limits: Limits = Limits(), at now: Timestamp = WallClock.now()) throws(StateError) {
    let oldest = (now.microseconds - limits.age.wholeMicroseconds)
    let tooOld = "FROM execution WHERE started < \(oldest) ORDER BY started"
    while mayContinue(), try database.integer("SELECT 1 \(tooOld) LIMIT 1") != nil {
      try database.writing { () throws(StateError) in
        try remove("SELECT id \(tooOld) LIMIT \(limits.rowsAtOnce)")
        try database.statement("DELETE FROM settlement WHERE at < ?").run(.integer(oldest))
      }
    }
    while mayContinue() {
      let excess = (try database.integer("SELECT sum(executions) FROM algorithm") ?? 0) - limits.rows
      guard excess > 0 else { break }
      try database.writing { () throws(StateError) in
        let largest = "SELECT id FROM algorithm ORDER BY executions DESC, id LIMIT 1"
        try remove(
          "SELECT id FROM execution WHERE algorithm = (\(largest)) ORDER BY started LIMIT \(min(excess, limits.rowsAtOnce))"
        )
      }
    }
    var gone: [String] = []
    try database.statement("SELECT name FROM segment").rows { row in
      if !PrivateFile.exists(HistorySegment.path(row.text(0), in: home)) { gone.append(row.text(0)) }
    }
    for name in gone { try database.statement("DELETE FROM segment WHERE name = ?").run(.text(name)) }
  }

  private func remove(_ ids: String) throws(StateError) {
    var removed: [Int64: Int64] = [:]
    // The ids are collected first: SQLite must not look for more while it removes.
    try database.statement("DELETE FROM execution WHERE id IN (\(ids)) RETURNING algorithm").rows { row in
      removed[row.integer(0), default: 0] += 1
    }
    for (algorithm, count) in removed {
      try database.statement("UPDATE algorithm SET executions = executions - ? WHERE id = ?")
        .run(.integer(count), .integer(algorithm))
    }
  }
}
