// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Inserts lines of the journal into the tables of ``Schema/history``, within one transaction of the caller.
final class HistoryRows {
  /// A version and how many rows it got.
  private final class Version {
    let reference: [UInt8]
    let id: Int64
    var added: Int64 = 0

    init(_ reference: [UInt8], id: Int64) { (self.reference, self.id) = (reference, id) }
  }

  private let database: SQLiteDatabase
  private let insertion: SQLiteStatement
  private var line = RunLine()
  /// By reference as written; empty for a bare command.
  private var versions: [[UInt8]: Version] = [:]
  private var latest: Version?

  init(_ database: SQLiteDatabase) throws(StateError) {
    self.database = database
    insertion = try database.statement(
      "INSERT INTO execution (algorithm, request_id, started, outcome, delivery, metrics, record) VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
  }

  /// Inserts what a line stands for.
  ///
  /// - Returns: false if the line is neither an execution nor a removal of payloads.
  func insert(_ json: UnsafeRawBufferPointer) throws(StateError) -> Bool {
    switch unsafe line.read(json) {
    case .run(let startedAt): try insert(startedAt)
    case .settled(let state, let moment, let requestIDs):
      let insert = try database.statement(
        """
        INSERT INTO settlement VALUES (?, ?, ?)
        ON CONFLICT (request_id) DO UPDATE SET at = excluded.at, state = excluded.state
        """)
      for id in requestIDs { try insert.run(.text(id), .integer(moment), .text(state)) }
    case nil: return false
    }
    return true
  }

  /// Inserts an execution if it is not there already.
  ///
  /// - Returns: false if the text is not an execution.
  func insertOnce(_ json: UnsafeRawBufferPointer) throws(StateError) -> Bool {
    guard case .run(let startedAt)? = unsafe line.read(json) else { return false }
    if try !isKnown(startedAt) { try insert(startedAt) }
    return true
  }

  private func isKnown(_ startedAt: Int64) throws(StateError) -> Bool {
    try database.statement("SELECT 1 FROM execution WHERE request_id = ? AND started = ?")
      .first([.text(line.string("request_id") ?? ""), .integer(startedAt)]) { _ in true } ?? false
  }

  /// Inserts the execution of the current line.
  private func insert(_ startedAt: Int64) throws(StateError) {
    let version = try version()
    version.added += 1
    try insertion.bind(1, .integer(version.id))
    try bind(2, stringOf: "request_id")
    try insertion.bind(3, .integer(startedAt))
    // A payload of the standard format does not show it.
    try bind(4, stringOf: "outcome")
    try unsafe bind(5, line.value("delivery"), orNone: "null")
    try unsafe bind(6, line.value("metrics"), orNone: "{}")
    let record = line.record
    try unsafe record.span.bytes.withUnsafeBytes { bytes throws(StateError) in
      try unsafe insertion.bind(7, borrowing: bytes)
      try insertion.runBound()
    }
  }

  private func bind(_ index: Int32, stringOf member: StaticString) throws(StateError) {
    if let text = unsafe line.plainString(member) {
      try unsafe insertion.bind(index, borrowing: text)
    } else {
      try insertion.bind(index, .text(line.string(member) ?? ""))
    }
  }

  private func bind(
    _ index: Int32, _ json: UnsafeRawBufferPointer?, orNone none: String
  ) throws(StateError) {
    if let json = unsafe json {
      try unsafe insertion.bind(index, borrowing: json)
    } else {
      try insertion.bind(index, .text(none))
    }
  }

  /// The version of the current line.
  private func version() throws(StateError) -> Version {
    let written = unsafe line.plainString("algorithm")
    // Nearly always the version of the line before.
    if let latest, let written = unsafe written, unsafe Self.equal(latest.reference, written) { return latest }
    let reference = unsafe written.map { unsafe Array($0) } ?? Array((line.string("algorithm") ?? "").utf8)
    let version =
      if let known = versions[reference] { known } else { Version(reference, id: try id(of: reference)) }
    versions[reference] = version
    latest = version
    return version
  }

  private static func equal(_ one: [UInt8], _ other: UnsafeRawBufferPointer) -> Bool {
    unsafe one.count == other.count && one.elementsEqual(other)
  }

  private func id(of written: [UInt8]) throws(StateError) -> Int64 {
    // Empty for a bare command.
    var values: [SQLiteValue] = [.text(""), .text(""), .integer(0)]
    if let reference = try? AlgorithmReference(parsing: String(decoding: written, as: UTF8.self)),
      case .exact(let number) = reference.selector
    {
      values = [
        .text(reference.algorithm.owner), .text(reference.algorithm.name), .integer(RunSelection.rank(number)),
      ]
    }
    let find = try database.statement("SELECT id FROM algorithm WHERE owner = ? AND name = ? AND version = ?")
    if let id = try find.first(values, row: { $0.integer(0) }) { return id }
    try database.statement("INSERT INTO algorithm (owner, name, version) VALUES (?, ?, ?)")
      .run(values[0], values[1], values[2])
    return database.lastInsertedRow
  }

  /// Stores how many rows each version has got.
  func finish() throws(StateError) {
    let update = try database.statement("UPDATE algorithm SET executions = executions + ? WHERE id = ?")
    for version in versions.values { try update.run(.integer(version.added), .integer(version.id)) }
    (versions, latest) = ([:], nil)
  }
}
