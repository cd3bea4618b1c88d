// SPDX-License-Identifier: Apache-2.0
/// Inserts executions into the tables of ``Schema/history``, within one transaction of the caller.
final class HistoryRows {
  private let database: SQLiteDatabase
  /// Known versions and how many rows each got.
  private var algorithms: [String: (id: Int64, added: Int64)] = [:]

  init(_ database: SQLiteDatabase) { self.database = database }

  func insert(_ line: RunLine) throws(StateError) {
    switch line {
    case .run(let run): try insert(run)
    case .settled(let state, let moment, let requestIDs):
      let insert = try database.statement(
        """
        INSERT INTO settlement VALUES (?, ?, ?)
        ON CONFLICT (request_id) DO UPDATE SET at = excluded.at, state = excluded.state
        """)
      for id in requestIDs { try insert.run(.text(id), .integer(moment), .text(state)) }
    }
  }

  func insert(_ run: RunLine.Run) throws(StateError) {
    let key = "\(run.owner)/\(run.name)/\(run.version)"
    var algorithm = if let known = algorithms[key] { known } else { (id: try id(of: run), added: Int64(0)) }
    algorithm.added += 1
    algorithms[key] = algorithm
    try database.statement(
      "INSERT INTO execution (algorithm, request_id, started, outcome, delivery, metrics, record) VALUES (?, ?, ?, ?, ?, ?, ?)"
    ).run(
      .integer(algorithm.id), .text(run.requestID), .integer(run.startedAt), .text(run.outcome),
      Self.text(run.delivery),
      Self.text(run.metrics), Self.text(run.record))
  }

  private static func text(_ json: [UInt8]) -> SQLiteValue { .text(String(decoding: json, as: UTF8.self)) }

  private func id(of run: RunLine.Run) throws(StateError) -> Int64 {
    let values: [SQLiteValue] = [.text(run.owner), .text(run.name), .integer(run.version)]
    let find = try database.statement("SELECT id FROM algorithm WHERE owner = ? AND name = ? AND version = ?")
    if let id = try find.first(values, row: { $0.integer(0) }) { return id }
    try database.statement("INSERT INTO algorithm (owner, name, version) VALUES (?, ?, ?)")
      .run(values[0], values[1], values[2])
    return database.lastInsertedRow
  }

  /// Stores how many rows each version has got.
  func finish() throws(StateError) {
    let update = try database.statement("UPDATE algorithm SET executions = executions + ? WHERE id = ?")
    for algorithm in algorithms.values { try update.run(.integer(algorithm.added), .integer(algorithm.id)) }
    algorithms = [:]
  }
}
