// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// The published versions of a home: the only file that reads and writes the table of them.
public final class VersionStore {
  /// References that ``current(matching:)`` remembers.
  private static let mostKnown = 1000

  private let state: StateDatabase
  private var known: [AlgorithmReference: StateSnapshot<PublishedVersion?>] = [:]

  /// The versions of a home; nothing is opened yet.
  public convenience init(home: HomeDirectory, busyTimeout: Duration = .seconds(10)) {
    self.init(StateDatabase(home: home, busyTimeout: busyTimeout))
  }

  /// The versions in a database that others may share in this thread.
  public init(_ state: StateDatabase) { self.state = state }

  /// Publishes a version. Of any number that publish at the same time, each gets a number of its own.
  ///
  /// - Throws: ``StateError/alreadyPublished(reference:next:)`` where the number asked for is taken, and whatever the
  ///   database has.
  public func publish(_ publication: VersionSpec, at moment: Timestamp = WallClock.now()) throws(StateError)
    -> PublishedVersion
  {
    let database = try state.forWriting()
    return try database.writing { () throws(StateError) in
      // Read under the write lock: no other process can publish between this and the insertion.
      let published = try draft(of: publication, at: moment, in: database)
      try database.statement("INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
        .text(published.algorithm.owner), .text(published.algorithm.name), .integer(Int64(published.version.major)),
        .integer(Int64(published.version.minor)), .integer(Int64(published.version.revision)),
        .bytes(StringList.encode(published.command)),
        .optional(published.directory), .optional(published.timeLimit?.wholeMicroseconds),
        .bytes(StringList.encode(published.environment.map { "\($0.name)=\($0.value)" })), .text(published.notes),
        .integer(moment.microseconds), .integer(published.insights ? 1 : 0),
        .optional(published.worker?.stored))
      return published
    }
  }

  /// The version that a publication would become now. Makes nothing.
  ///
  /// - Throws: as ``publish(_:at:)`` does.
  public func draft(of publication: VersionSpec) throws(StateError) -> PublishedVersion {
    try draft(of: publication, at: WallClock.now(), in: state.forReading())
  }

  private func draft(
    of publication: VersionSpec, at moment: Timestamp, in database: SQLiteDatabase?
  ) throws(StateError) -> PublishedVersion {
    let previous =
      try database.map { database throws(StateError) in
        try latest(of: publication.algorithm, [], in: database)
      } ?? nil
    let version = try publication.version(after: previous) { number throws(StateError) in
      guard let database else { return false }
      return try latest(of: publication.algorithm, number.components, in: database) != nil
    }
    return PublishedVersion(
      algorithm: publication.algorithm, version: version, command: publication.command,
      directory: publication.directory, timeLimit: publication.timeLimit, environment: publication.environment,
      notes: publication.notes, publishedAt: moment, worker: publication.worker,
      insights: publication.insights ?? previous?.insights ?? false)
  }

  /// All versions that match, or all there are, by name and then by number.
  public func versions(matching reference: AlgorithmReference? = nil) throws(StateError) -> [PublishedVersion] {
    guard let database = try state.forReading() else { return [] }
    var found: [PublishedVersion] = []
    try select(
      reference?.algorithm, reference?.components ?? [],
      suffix: "ORDER BY owner, name, major, minor, revision", in: database
    ) { row throws(StateError) in
      found.append(try Self.version(row, path: database.path))
    }
    return found
  }

  /// The latest version that matches; nil if none does, or nothing was ever published. This is what `exec` runs, and
  /// it makes and locks nothing.
  public func latest(matching reference: AlgorithmReference) throws(StateError) -> PublishedVersion? {
    guard let database = try state.forReading() else { return nil }
    return try latest(of: reference.algorithm, reference.components, in: database)
  }

  /// As ``latest(matching:)``, for those who ask many times a second: it is read again only when the database was written
  /// since.
  public func current(matching reference: AlgorithmReference) throws(StateError) -> PublishedVersion? {
    guard let database = try state.forReading() else { return nil }
    if known.count > Self.mostKnown { known = [:] }
    return try database.current(&known[reference]) { () throws(StateError) in
      try latest(of: reference.algorithm, reference.components, in: database)
    }
  }

  /// Switches Insights of the latest version that matches, and returns it as it is now.
  ///
  /// - Throws: ``StateError/noSuchVersion(reference:)`` if none matches.
  public func setInsights(_ on: Bool, matching reference: AlgorithmReference) throws(StateError) -> PublishedVersion {
    guard let database = try state.forReading() else { throw .noSuchVersion(reference: reference.description) }
    let update = try database.statement(
      "UPDATE version SET insights = ? WHERE owner = ? AND name = ? AND major = ? AND minor = ? AND revision = ?")
    return try database.writing { () throws(StateError) in
      guard var version = try latest(of: reference.algorithm, reference.components, in: database) else {
        throw .noSuchVersion(reference: reference.description)
      }
      version.insights = on
      try update.run(
        .integer(on ? 1 : 0), .text(version.algorithm.owner), .text(version.algorithm.name),
        .integer(Int64(version.version.major)), .integer(Int64(version.version.minor)),
        .integer(Int64(version.version.revision)))
      return version
    }
  }

  private func latest(of algorithm: AlgorithmName, _ numbers: [Int], in database: SQLiteDatabase) throws(StateError)
    -> PublishedVersion?
  {
    var found: PublishedVersion?
    try select(algorithm, numbers, suffix: "ORDER BY major DESC, minor DESC, revision DESC LIMIT 1", in: database) {
      row throws(StateError) in
      found = try Self.version(row, path: database.path)
    }
    return found
  }

  /// Runs a query over the versions whose number begins with `numbers`. Those are a prefix of the primary key, so the
  /// database goes straight to them.
  private func select(
    _ algorithm: AlgorithmName?, _ numbers: [Int], suffix: String, in database: SQLiteDatabase,
    row: (SQLiteStatement) throws(StateError) -> Void
  ) throws(StateError) {
    var conditions = ""
    var values: [SQLiteValue] = []
    if let algorithm {
      conditions = "WHERE owner = ? AND name = ?"
      values = [.text(algorithm.owner), .text(algorithm.name)]
      for (column, number) in zip(["major", "minor", "revision"], numbers) {
        conditions += " AND \(column) = ?"
        values.append(.integer(Int64(number)))
      }
    }
    let statement = try database.statement(
      "SELECT owner, name, major, minor, revision, command, directory, time_limit_microseconds, environment, notes, "
        + "published_microseconds, insights, worker FROM version \(conditions) \(suffix)")
    try statement.rows(values, row: row)
  }

  private static func version(_ row: SQLiteStatement, path: String) throws(StateError) -> PublishedVersion {
    guard let algorithm = AlgorithmName(owner: row.text(0), name: row.text(1)),
      let command = StringList.decode(row.bytes(5)), let environment = StringList.decode(row.bytes(8))
    else { throw .corrupt(path: path) }
    return PublishedVersion(
      algorithm: algorithm,
      version: VersionNumber(major: Int(row.integer(2)), minor: Int(row.integer(3)), revision: Int(row.integer(4))),
      command: command, directory: row.optionalText(6), timeLimit: row.optionalInteger(7).map { .microseconds($0) },
      environment: environment.compactMap(EnvironmentVariable.init(parsing:)), notes: row.text(9),
      publishedAt: Timestamp(microseconds: row.integer(10)), worker: try worker(row, path: path),
      insights: row.integer(11) != 0)
  }

  private static func worker(_ row: SQLiteStatement, path: String) throws(StateError) -> WorkerSettings? {
    guard let stored = row.optionalText(12) else { return nil }
    guard let settings = WorkerSettings(stored: stored) else { throw .corrupt(path: path) }
    return settings
  }
}

extension AlgorithmReference {
  /// The numbers that are given.
  fileprivate var components: [Int] {
    switch selector {
    case .latest: []
    case .major(let major): [major]
    case .minor(let major, let minor): [major, minor]
    case .exact(let version): version.components
    }
  }
}

extension VersionNumber {
  /// The three numbers.
  fileprivate var components: [Int] { [major, minor, revision] }
}
