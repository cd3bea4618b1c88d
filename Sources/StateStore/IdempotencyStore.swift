// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform
public import RunModel

/// The calls that had an Idempotency-Key, and their answers, for a day: a call that comes again is answered and not
/// carried out again. For one thread at a time; any number of processes may share the file.
///
/// Small answers are in the database, large ones in files of their own. Both are durable when a method returns.
public final class IdempotencyStore {
  /// A call that claims a key.
  public struct Claim: Sendable, Equatable {
    /// Whose key it is: each API key has its own.
    let owner: String
    let key: String
    /// The same requests have the same.
    let fingerprint: [UInt8]
    /// The execution of the call.
    public let requestID: String

    /// A claim of `key` by `owner`.
    public init(owner: String, key: String, fingerprint: [UInt8], requestID: String) {
      (self.owner, self.key, self.fingerprint, self.requestID) = (owner, key, fingerprint, requestID)
    }
  }

  /// The answer to a call that had the key.
  public struct Answer: Sendable {
    /// The execution of that call.
    public let requestID: String
    /// The HTTP status.
    public let status: Int
    /// The media type.
    public let type: String
    /// The body, if it is small.
    public let bytes: [UInt8]
    /// The file with the body of a large one.
    public let file: Descriptor?
  }

  /// The result of a claim.
  public enum Verdict: Sendable {
    /// No other call had the key: this one is to be carried out.
    case accepted
    /// Another request had it.
    case taken
    /// The same request had it and has no answer: it runs, or its server ended first, or the answer was too old to
    /// keep.
    case unanswered(requestID: String)
    /// The same request had it.
    case answered(Answer)
  }

  /// How long a key is known.
  public static let retention = Duration.seconds(86_400)
  /// The largest answer that is kept in the database.
  private static let inlineBytes = 262_144
  /// Bytes of the answers in files: beyond it the oldest are removed.
  private static let fileBytes: Int64 = 4 << 30
  /// Keys that one claim removes at most.
  private static let removals = 100

  private let home: HomeDirectory
  private var database: SQLiteDatabase?

  /// The keys of a home; nothing is opened yet.
  public init(home: HomeDirectory) { self.home = home }

  /// Claims a key.
  ///
  /// - Parameter answer: the answer, if it is known before the call is carried out.
  public func claim(
    _ claim: Claim, answer: [UInt8]? = nil, at now: Timestamp = WallClock.now()
  ) throws(StateError) -> Verdict {
    let database = try opened()
    return try database.writing { () throws(StateError) in
      try removeOld(now, in: database)
      let find = try database.statement(
        """
        SELECT fingerprint, request_id, status, type, answer, size FROM call
        WHERE owner = ? AND key = ? AND accepted_microseconds >= ?
        """)
      let values: [SQLiteValue] = [.text(claim.owner), .text(claim.key), .integer(Self.oldest(now))]
      if let verdict = try find.first(values, row: { row throws(StateError) in try verdict(on: claim, row) }) {
        return verdict
      }
      try database.statement("INSERT OR REPLACE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)").run(
        .text(claim.owner), .text(claim.key), .bytes(claim.fingerprint), .text(claim.requestID),
        .integer(now.microseconds), answer == nil ? .null : .integer(200), .text("application/json"),
        answer.map { .bytes($0) } ?? .null)
      return .accepted
    }
  }

  /// Stores the answer to a call that had its claim accepted.
  ///
  /// - Parameter pieces: calls its argument with each piece of the body.
  public func store(
    _ claim: Claim, status: Int, type: String,
    pieces: ((UnsafeRawBufferPointer) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(StateError) {
    var (bytes, size): ([UInt8], Int) = ([], 0)
    var file: Descriptor?
    let path = path(of: claim.requestID)
    do throws(SystemError) {
      unsafe try pieces { piece throws(SystemError) in
        if file == nil, size + piece.count > Self.inlineBytes {
          _ = unsafe mkdir(home.answersDirectory, 0o700)
          file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode: 0o600)
          try file?.writeAll(bytes, at: 0)
          bytes = []
        }
        if let file { unsafe try file.writeAll(piece, at: size) } else { unsafe bytes.append(contentsOf: piece) }
        size += piece.count
      }
      if let file, file.withNumber({ fsync($0) }) != 0 { throw SystemError(errno) }
    } catch {
      unsafe unlink(path)
      throw PrivateFile.failure(error.code, at: path)
    }
    let database = try opened()
    try database.writing { () throws(StateError) in
      try database.statement(
        "UPDATE call SET status = ?, type = ?, answer = ?, size = ? WHERE owner = ? AND key = ? AND request_id = ?"
      ).run(
        .integer(Int64(status)), .text(type), file == nil ? .bytes(bytes) : .null,
        .integer(file == nil ? 0 : Int64(size)), .text(claim.owner), .text(claim.key), .text(claim.requestID))
      if file != nil { try removeLargest(in: database) }
    }
  }

  /// Gives the key of a call that never ran back.
  public func forget(_ claim: Claim) throws(StateError) {
    let database = try opened()
    try database.writing { () throws(StateError) in
      try database.statement("DELETE FROM call WHERE owner = ? AND key = ? AND request_id = ?")
        .run(.text(claim.owner), .text(claim.key), .text(claim.requestID))
    }
  }

  private func verdict(on claim: Claim, _ row: SQLiteStatement) throws(StateError) -> Verdict {
    guard row.bytes(0) == claim.fingerprint else { return .taken }
    let id = row.text(1)
    guard !row.isNull(2) else { return .unanswered(requestID: id) }
    var file: Descriptor?
    if row.integer(5) > 0 {
      guard let opened = try? Descriptor.reading(path(of: id)) else { return .unanswered(requestID: id) }
      file = opened
    }
    return .answered(
      Answer(requestID: id, status: Int(row.integer(2)), type: row.text(3), bytes: row.bytes(4), file: file))
  }

  private static func oldest(_ now: Timestamp) -> Int64 { now.microseconds - retention.wholeMicroseconds }

  private func removeOld(_ now: Timestamp, in database: SQLiteDatabase) throws(StateError) {
    var old: [(owner: String, key: String, requestID: String)] = []
    try database.statement(
      "SELECT owner, key, request_id FROM call WHERE accepted_microseconds < ? LIMIT \(Self.removals)"
    ).rows([.integer(Self.oldest(now))]) { old.append(($0.text(0), $0.text(1), $0.text(2))) }
    for call in old {
      unsafe unlink(path(of: call.requestID))
      try database.statement("DELETE FROM call WHERE owner = ? AND key = ?").run(.text(call.owner), .text(call.key))
    }
  }

  private func removeLargest(in database: SQLiteDatabase) throws(StateError) {
    while try database.integer("SELECT sum(size) FROM call WHERE size > 0") ?? 0 > Self.fileBytes {
      let oldest = try database.statement(
        "SELECT request_id FROM call WHERE size > 0 ORDER BY accepted_microseconds LIMIT 1"
      ).first { $0.text(0) }
      guard let oldest else { return }
      unsafe unlink(path(of: oldest))
      try database.statement("UPDATE call SET status = NULL, size = 0 WHERE request_id = ?").run(.text(oldest))
    }
  }

  private func path(of requestID: String) -> String { "\(home.answersDirectory)/\(requestID)" }

  private func opened() throws(StateError) -> SQLiteDatabase {
    if let database, !database.hasMoved { return database }
    try home.create()
    let path = home.idempotencyDatabase
    try PrivateFile.ensure(path) { draft throws(StateError) in
      guard let made = try SQLiteDatabase(path: draft, as: path, busyTimeout: .seconds(10)) else {
        throw .inaccessible(path: path, errno: ENOENT)
      }
      try made.execute("PRAGMA journal_mode = WAL")
      try Self.schema.migrate(made)
    }
    guard let database = try SQLiteDatabase(path: path, busyTimeout: .seconds(10)) else {
      throw .inaccessible(path: path, errno: ENOENT)
    }
    try Self.schema.migrate(database)
    try database.execute("PRAGMA synchronous = FULL")
    self.database = database
    return database
  }

  /// `status` is null without an answer; `size` is 0 if the answer is not in a file.
  private static let schema = Schema(steps: [
    """
    CREATE TABLE call (
      owner TEXT NOT NULL,
      key TEXT NOT NULL,
      fingerprint BLOB NOT NULL,
      request_id TEXT NOT NULL,
      accepted_microseconds INTEGER NOT NULL,
      status INTEGER,
      type TEXT NOT NULL,
      answer BLOB,
      size INTEGER NOT NULL,
      UNIQUE (owner, key)
    ) STRICT;
    CREATE INDEX call_age ON call (accepted_microseconds);
    CREATE INDEX call_in_file ON call (accepted_microseconds, size) WHERE size > 0;
    """
  ])
}
