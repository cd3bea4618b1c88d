// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// The operations of `outbox status|list|retry|purge` and of the retention.
extension Outbox {
  /// How full it is. Reads every record's row: for a person's question, not for a loop.
  public func status() throws(StateError) -> OutboxStatus {
    try working { () throws(StateError) in
      var status = OutboxStatus()
      let dead = try deadHolders()
      try database.statement(
        """
        SELECT state, count(*), sum(length(value)), min(created), min(window_end), count(claim) FROM payload GROUP BY state
        """
      ).rows { row in
        guard let state = OutboxState(rawValue: row.integer(0)) else { return }
        status.counts[state] = Int(row.integer(1))
        status.bytes += Int(row.integer(2))
        guard state == .pending else { return }
        status.oldestPending = Timestamp(microseconds: row.integer(3))
        status.nextWindowEnd = Timestamp(microseconds: row.integer(4))
        status.claimed = Int(row.integer(5))
      }
      // A claim whose holder died holds nothing: the next deliverer takes such a record.
      for holder in dead {
        status.claimed -=
          try database.statement("SELECT count(*) FROM payload WHERE claim = ? AND state = 0")
          .first([.text(holder)]) { Int($0.integer(0)) } ?? 0
      }
      return status
    }
  }

  /// How many records are pending; quick, from an index.
  public func pendingCount() throws(StateError) -> Int {
    try working { () throws(StateError) in
      Int(try database.integer("SELECT count(*) FROM payload INDEXED BY windows WHERE state = 0") ?? 0)
    }
  }

  /// Records in the order they were stored.
  ///
  /// - Parameters:
  ///   - states: only those in one of these.
  ///   - after: only those with a greater number, to read on where a page ended.
  public func list(
    states: [OutboxState] = OutboxState.allCases, after: Int64 = 0, limit: Int = 100
  ) throws(StateError) -> [OutboxListing] {
    try working { () throws(StateError) in try list(states, after, limit) }
  }

  private func list(_ states: [OutboxState], _ after: Int64, _ limit: Int) throws(StateError) -> [OutboxListing] {
    var listed: [OutboxListing] = []
    let dead = Set(try deadHolders())
    try database.statement(
      """
      SELECT id, key, state, created, window_end, attempts, next_attempt, possibly_persisted, last_error,
        claim, length(value)
      FROM payload WHERE id > ? AND state IN (\(Self.numbers(states))) ORDER BY id LIMIT ?
      """
    ).rows([.integer(after), .integer(Int64(max(0, limit)))]) { row in
      guard let state = OutboxState(rawValue: row.integer(2)) else { return }
      let created = row.integer(3)
      listed.append(
        OutboxListing(
          id: row.integer(0), key: row.text(1), state: state, createdAt: Timestamp(microseconds: created),
          windowEnd: Timestamp(microseconds: row.integer(4)), attempts: Int(row.integer(5)),
          nextAttemptAt: state == .pending ? Timestamp(microseconds: max(created, row.integer(6))) : nil,
          possiblyPersisted: row.integer(7) != 0, lastError: row.optionalText(8),
          isClaimed: row.optionalText(9).map { !dead.contains($0) } ?? false,
          bytes: Int(row.integer(10))))
    }
    return listed
  }

  /// The states of the records with these numbers; one that is not there is missing.
  public func states(of ids: [Int64]) throws(StateError) -> [Int64: OutboxState] {
    try working { () throws(StateError) in
      var states: [Int64: OutboxState] = [:]
      let statement = try database.statement("SELECT state FROM payload WHERE id = ?")
      for id in ids {
        states[id] = try statement.first([.integer(id)]) { OutboxState(rawValue: $0.integer(0)) } ?? nil
      }
      return states
    }
  }

  /// Makes expired and rejected records pending again, each with a new window from now on. Corrupt ones stay aside.
  /// The last error is forgotten, for it decides how a record ends that is not attempted again in its new window.
  ///
  /// - Returns: how many.
  public func retry(
    _ selection: OutboxSelection, window: Duration, at now: Timestamp = WallClock.now()
  ) throws(StateError) -> Int {
    let states = selection.states.filter { $0 == .expired || $0 == .rejected }
    let windowEnd = (now + window).microseconds
    return try writing { () throws(StateError) in
      try change(
        """
        UPDATE payload SET state = 0, settled = NULL, claim = NULL, last_error = NULL, next_attempt = 0,
          window_end = \(windowEnd) WHERE state IN (\(Self.numbers(states)))
        """, selection.ids)
    }
  }

  /// Removes records for good. Pending ones that a living deliverer holds stay.
  ///
  /// - Returns: how many.
  public func purge(_ selection: OutboxSelection) throws(StateError) -> Int {
    try writing { () throws(StateError) in
      try free(try deadHolders())
      let removal = "DELETE FROM payload WHERE claim IS NULL AND state IN (\(Self.numbers(selection.states)))"
      guard let ids = selection.ids else { return try removeUndelivered(removal, as: "purged") }
      var removed = 0
      for id in ids { removed += try removeUndelivered("\(removal) AND id = ?", [.integer(id)], as: "purged") }
      return removed
    }
  }

  /// Removes terminal records that are older, or more, than the retention; never a pending record. Also tidies up after
  /// deliverers that died, and takes in a fallback file.
  ///
  /// - Returns: how many.
  @discardableResult
  public func prune(_ retention: Connection.Retention, at now: Timestamp = WallClock.now()) throws(StateError) -> Int {
    removeDeadDeliverers()
    _ = takeInFallback(atLeast: 1)
    return try working { () throws(StateError) in try removeSettled(beyond: retention, at: now) }
  }

  private func removeSettled(beyond retention: Connection.Retention, at now: Timestamp) throws(StateError) -> Int {
    let oldest = now.microseconds - retention.age.wholeMicroseconds
    // Most of the time there is nothing to remove, and finding that out must not take the write lock.
    let excess = try database.statement(
      "SELECT settled, id FROM payload INDEXED BY settled WHERE state <> 0 ORDER BY settled DESC, id DESC LIMIT 1 OFFSET ?"
    ).first([.integer(Int64(max(0, retention.records)))]) { ($0.integer(0), $0.integer(1)) }
    let first = try database.integer("SELECT min(settled) FROM payload INDEXED BY settled WHERE state <> 0")
    guard excess != nil || (first ?? .max) < oldest else { return 0 }
    return try writing { () throws(StateError) in
      let settled = "DELETE FROM payload WHERE state <> 0 AND"
      let removed = try removeUndelivered("\(settled) settled < ?", [.integer(oldest)], as: "purged")
      guard let excess else { return removed }
      let values: [SQLiteValue] = [.integer(excess.0), .integer(excess.1)]
      return removed + (try removeUndelivered("\(settled) (settled, id) <= (?, ?)", values, as: "purged"))
    }
  }

  /// Runs a change, for all records or for each of some numbers, and counts the records changed.
  private func change(_ sql: String, _ ids: [Int64]?) throws(StateError) -> Int {
    guard let ids else {
      try database.execute(sql)
      return database.changes
    }
    var changed = 0
    for id in ids {
      try database.execute("\(sql) AND id = \(id)")
      changed += database.changes
    }
    return changed
  }

  private static func numbers(_ states: [OutboxState]) -> String {
    states.map { "\($0.rawValue)" }.joined(separator: ", ")
  }
}
