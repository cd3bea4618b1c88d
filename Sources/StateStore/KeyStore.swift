// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// The API keys of a home: the only file that reads and writes the table of them. It holds the SHA-256 of each key: the
/// keys are 256 random bits, so a slow hash would protect nothing.
public final class KeyStore {
  private struct Entry {
    let key: APIKey
    let hash: [UInt8]
  }

  private let state: StateDatabase
  /// The keys that were read last.
  private var known: StateSnapshot<[Entry]>?

  /// The keys of a home; nothing is opened yet.
  public convenience init(home: HomeDirectory) { self.init(StateDatabase(home: home)) }

  /// The keys in a database that others may share in this thread.
  public init(_ state: StateDatabase) { self.state = state }

  /// Creates a key.
  ///
  /// - Returns: Its text, which nothing can show again.
  /// - Throws: ``StateError/keyExists(name:)`` if the name is taken.
  public func create(
    _ name: String, scope: KeyScope, at moment: Timestamp = WallClock.now()
  ) throws(StateError) -> Secret {
    let text = "ak-" + Hexadecimal.secret()
    let database = try state.forWriting()
    try database.writing { () throws(StateError) in
      guard try entries(in: database).allSatisfy({ $0.key.name != name }) else { throw .keyExists(name: name) }
      try database.statement("INSERT INTO api_key VALUES (?, ?, ?, ?)").run(
        .text(name), .text(scope.rawValue), .bytes(Digest.sha256(Array(text.utf8))), .integer(moment.microseconds))
    }
    return Secret(text)
  }

  /// All keys, by name.
  public func keys() throws(StateError) -> [APIKey] {
    guard let database = try state.forReading() else { return [] }
    return try entries(in: database).map(\.key)
  }

  /// Removes a key. Nothing accepts it from then on.
  ///
  /// - Throws: ``StateError/noSuchKey(name:)``.
  public func revoke(_ name: String) throws(StateError) {
    guard let database = try state.forReading() else { throw .noSuchKey(name: name) }
    let removed = try database.writing { () throws(StateError) in
      try database.statement("DELETE FROM api_key WHERE name = ?").run(.text(name))
      return database.changes > 0
    }
    guard removed else { throw .noSuchKey(name: name) }
  }

  /// The key with this text; nil if there is none. The keys are read again only if the database was written since.
  ///
  /// Each hash is compared in full, so that the time of a refusal depends on nothing that is secret.
  public func key(_ text: String) throws(StateError) -> APIKey? {
    let hash = Digest.sha256(Array(text.utf8))
    var found: APIKey?
    for entry in try current() where Self.areEqual(entry.hash, hash) { found = entry.key }
    return found
  }

  /// Whether a key is still there: it was neither revoked nor made anew under the same name.
  public func isCurrent(_ key: APIKey) throws(StateError) -> Bool { try current().contains { $0.key == key } }

  /// The keys as they are now, read again only if the database was written since.
  private func current() throws(StateError) -> [Entry] {
    guard let database = try state.forReading() else { return [] }
    return try database.current(&known) { () throws(StateError) in try entries(in: database) }
  }

  private func entries(in database: SQLiteDatabase) throws(StateError) -> [Entry] {
    var entries: [Entry] = []
    try database.statement("SELECT name, scope, created_microseconds, hash FROM api_key ORDER BY name").rows {
      row throws(StateError) in
      guard let scope = KeyScope(rawValue: row.text(1)) else { throw .corrupt(path: database.path) }
      let createdAt = Timestamp(microseconds: row.integer(2))
      entries.append(Entry(key: APIKey(name: row.text(0), scope: scope, createdAt: createdAt), hash: row.bytes(3)))
    }
    return entries
  }

  private static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
