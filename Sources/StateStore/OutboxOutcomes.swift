// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// The results of failed attempts.
extension Outbox {
  /// Stores failed attempts and what becomes of their records; the claims on them end.
  ///
  /// Only records that `deliverer` still holds are touched.
  public func record(
    _ attempts: [FailedAttempt], of deliverer: ClaimOwner, at now: Timestamp = WallClock.now(),
    _ onExpiry: Connection.OnExpiry = .keep
  ) throws(StateError) {
    guard !attempts.isEmpty else { return }
    try writing { () throws(StateError) in
      let update = try database.statement(
        """
        UPDATE payload SET state = ?, settled = ?, next_attempt = ?, claim = NULL, last_error = ?,
          attempts = attempts + 1, possibly_persisted = max(possibly_persisted, ?) WHERE id = ? AND claim = ? AND state = 0
        """)
      for attempt in attempts {
        let change: (state: OutboxState, settled: SQLiteValue, next: Int64)
        switch attempt.consequence {
        case .retry(let moment): change = (.pending, .null, moment.microseconds)
        case .reject: change = (.rejected, .integer(now.microseconds), 0)
        case .expire where onExpiry == .keep: change = (.expired, .integer(now.microseconds), 0)
        case .expire:
          _ = try removeUndelivered(
            "DELETE FROM payload WHERE id = ? AND claim = ?", [.integer(attempt.id), .text(deliverer.name)],
            as: "dropped")
          continue
        }
        try update.run(
          .integer(change.state.rawValue), change.settled, .integer(change.next), .text(attempt.error),
          .integer(attempt.possiblyPersisted ? 1 : 0), .integer(attempt.id), .text(deliverer.name))
      }
    }
  }

  /// Gives up all pending records whose window has ended and that no living deliverer holds. One that is being sent
  /// belongs to its deliverer, which ends it with ``record(_:of:at:_:)``.
  ///
  /// - Parameter cause: what keeps the caller from sending, for records that were never attempted.
  public func expire(
    at now: Timestamp = WallClock.now(), _ onExpiry: Connection.OnExpiry = .keep, because cause: String? = nil
  ) throws(StateError) -> [ExpiredRecord] {
    try working { () throws(StateError) in
      try expireUnheld(now, onExpiry, cause ?? "its delivery window ended before it could be sent")
    }
  }

  private func expireUnheld(
    _ now: Timestamp, _ onExpiry: Connection.OnExpiry, _ cause: String
  ) throws(StateError) -> [ExpiredRecord] {
    let ended = try database.statement(
      "SELECT 1 FROM payload INDEXED BY windows WHERE state = 0 AND window_end <= ? LIMIT 1")
    guard try ended.first([.integer(now.microseconds)], row: { _ in true }) ?? false else { return [] }
    let dead = try deadHolders()
    let denied = "possibly_persisted = 0 AND coalesce(last_error, '') LIKE '\(FailedAttempt.denial)%'"
    let condition = "state = 0 AND window_end <= ?1 AND claim IS NULL"
    let columns = "RETURNING id, possibly_persisted, \(denied), key"
    let settle = """
      UPDATE payload SET state = CASE WHEN \(denied) THEN 2 ELSE 1 END, settled = ?1,
        last_error = coalesce(last_error, ?2) WHERE \(condition)
      """
    // A denied record is rejected, not expired, and so is never dropped.
    let given = SQLiteValue.integer(now.microseconds)
    let changes: [(sql: String, values: [SQLiteValue])] =
      onExpiry == .keep
      ? [("\(settle) \(columns)", [given, .text(cause)])]
      : [
        ("\(settle) AND \(denied) \(columns)", [given, .text(cause)]),
        ("DELETE FROM payload WHERE \(condition) \(columns)", [given]),
      ]
    return try writing { () throws(StateError) in
      try free(dead)
      var expired: [ExpiredRecord] = []
      var dropped: [String] = []
      for (sql, values) in changes {
        try database.statement(sql).rows(values) { row in
          expired.append(
            ExpiredRecord(id: row.integer(0), possiblyPersisted: row.integer(1) != 0, wasDenied: row.integer(2) != 0))
          if onExpiry == .drop, row.integer(2) == 0 { dropped.append(row.text(3)) }
        }
      }
      noteRemoval(of: dropped, as: "dropped", at: now)
      return expired.sorted { $0.id < $1.id }
    }
  }
}
