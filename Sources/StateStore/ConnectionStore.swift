// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import RunModel

/// The connection of a home: the only file that reads and writes the table of its settings.
public final class ConnectionStore {
  private let state: StateDatabase
  /// The connection that was read last.
  private var known: StateSnapshot<Connection?>?

  /// The connection of a home; nothing is opened yet.
  public convenience init(home: HomeDirectory, busyTimeout: Duration = .seconds(10)) {
    self.init(StateDatabase(home: home, busyTimeout: busyTimeout))
  }

  /// The connection in a database that others may share in this thread.
  public init(_ state: StateDatabase) { self.state = state }

  /// The connection; nil if there is none, so that payloads go to the file in the home.
  public func connection() throws(StateError) -> Connection? {
    guard let database = try state.forReading() else { return nil }
    var settings = ConnectionSettings()
    try database.statement("SELECT name, value FROM connection_setting ORDER BY name, position").rows { row in
      settings.append(row.text(0), row.text(1))
    }
    guard !settings.isEmpty else { return nil }
    guard let connection = Connection(&settings) else {
      throw .unreadableConnection(path: database.path, setting: settings.firstUnreadable ?? "kind")
    }
    return connection
  }

  /// The connection at this moment, for those who ask many times a second: it is read again only when the database was
  /// written since.
  public func latest() throws(StateError) -> Connection? {
    guard let database = try state.forReading() else { return nil }
    return try database.current(&known) { () throws(StateError) in try connection() }
  }

  /// Makes this the connection, in the place of the one before. Contents that the database no longer needs are
  /// overwritten, since they may be a password.
  public func set(_ connection: Connection) throws(StateError) {
    let database = try state.forWriting()
    try database.execute("PRAGMA secure_delete = ON")
    try database.writing { () throws(StateError) in
      try database.statement("DELETE FROM connection_setting").run()
      let insert = try database.statement("INSERT INTO connection_setting VALUES (?, ?, ?)")
      for (name, values) in ConnectionSettings(connection).values {
        for (position, value) in values.enumerated() {
          try insert.run(.text(name), .integer(Int64(position)), .text(value))
        }
      }
    }
    if connection.certificateAuthority != state.certificateAuthority { removeCertificateAuthority() }
    try forgetOutage()
  }

  /// Removes the connection and the copied certificate authority.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public func remove() throws(StateError) -> Bool {
    guard let database = try state.forReading() else { return false }
    try database.execute("PRAGMA secure_delete = ON")
    let removed = try database.writing { () throws(StateError) in
      try database.statement("DELETE FROM connection_setting").run()
      return database.changes > 0
    }
    removeCertificateAuthority()
    if removed { try forgetOutage() }
    return removed
  }

  /// An outage of the brokers before means nothing for the next ones.
  private func forgetOutage() throws(StateError) { try Outbox.existing(home: state.home)?.clearOutage() }

  /// Copies a certificate authority into the home, so that the connection works on when the original moves.
  ///
  /// - Returns: the absolute path of the copy, for ``Connection/certificateAuthority``.
  public func copyCertificateAuthority(from path: String) throws(StateError) -> String {
    // The home is made first: a copy must have somewhere to go.
    _ = try state.forWriting()
    try PrivateFile.replace(state.certificateAuthority, with: try PrivateFile.contents(of: path))
    return state.certificateAuthority
  }

  /// The copied certificate authority in PEM form; empty if there is none.
  public func certificateAuthorityText() throws(StateError) -> String {
    guard let path = try connection()?.certificateAuthority else { return "" }
    return String(decoding: try PrivateFile.contents(of: path), as: UTF8.self)
  }

  /// Keeps a certificate authority in PEM form beside that of the connection, for a connection that is not stored yet:
  /// librdkafka reads it from a file.
  ///
  /// - Returns: its absolute path, for ``adopt(_:)`` or ``discard(_:)``.
  public func draftCertificateAuthority(_ text: [UInt8]) throws(StateError) -> String {
    _ = try state.forWriting()
    let path = "\(state.certificateAuthority).draft-\(getpid())-\(UInt64.random(in: .min ... .max))"
    try PrivateFile.replace(path, with: text)
    return path
  }

  /// Makes a connection with a drafted authority the connection.
  public func adopt(_ draft: Connection) throws(StateError) {
    var connection = draft
    if let path = draft.certificateAuthority {
      connection.certificateAuthority = try copyCertificateAuthority(from: path)
    }
    try set(connection)
  }

  /// Removes the drafted authority of a connection.
  public func discard(_ draft: Connection) {
    guard let path = draft.certificateAuthority, path != state.certificateAuthority else { return }
    unsafe unlink(path)
  }

  private func removeCertificateAuthority() { unsafe unlink(state.certificateAuthority) }
}
