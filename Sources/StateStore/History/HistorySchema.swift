// SPDX-License-Identifier: Apache-2.0
/// The tables of `history.db`.
extension Schema {
  /// - `algorithm`: each version that has executions, and how many; `version` is ``RunSelection/rank(_:)``.
  /// - `execution`: `record` is the record's JSON without `metrics` and `delivery`.
  /// - `settlement`: payloads that left the outbox without having been delivered.
  /// - `segment`: how much of a segment of the journal is here already.
  /// - `broken`: lines of the journal that do not read as they were written.
  static let history = Schema(steps: [
    """
    CREATE TABLE algorithm (
      id INTEGER PRIMARY KEY,
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      executions INTEGER NOT NULL DEFAULT 0,
      UNIQUE (owner, name, version)
    ) STRICT;

    CREATE TABLE execution (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      algorithm INTEGER NOT NULL REFERENCES algorithm (id),
      request_id TEXT NOT NULL,
      started INTEGER NOT NULL,
      outcome TEXT NOT NULL,
      delivery TEXT NOT NULL,
      metrics TEXT NOT NULL,
      record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX execution_request ON execution (request_id);
    CREATE INDEX execution_start ON execution (started);
    CREATE INDEX execution_of_algorithm ON execution (algorithm, started);

    CREATE TABLE settlement (
      request_id TEXT PRIMARY KEY,
      at INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE segment (
      name TEXT PRIMARY KEY,
      offset INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE broken (
      id INTEGER PRIMARY KEY,
      line BLOB NOT NULL
    ) STRICT;
    """
  ])

  /// The view that all queries read: of this database, or of it and the attached `stored`.
  static func runView(includesStored: Bool) -> String {
    func rows(_ database: String) -> String {
      """
      SELECT e.id, a.owner, a.name, a.version, e.request_id, e.started, e.outcome, e.delivery, e.metrics, e.record
      FROM \(database).execution e JOIN \(database).algorithm a ON a.id = e.algorithm
      """
    }
    let all = includesStored ? "\(rows("main")) UNION ALL \(rows("stored"))" : rows("main")
    return "CREATE TEMP VIEW run AS \(all)"
  }
}
