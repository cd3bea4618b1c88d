// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// Who sends what: of any number of deliverers, one at a time holds a record.
extension Outbox {
  /// Claims pending records that are due, oldest first: those that no deliverer holds, or whose holder is dead.
  ///
  /// Fallback files are taken in before. Records whose window has ended are left for ``expire(at:_:because:)``. A
  /// record that does not read as it was written is set aside as corrupt, and stops nothing.
  public func claim(
    limit: Int, for deliverer: ClaimOwner, at now: Timestamp = WallClock.now()
  ) throws(StateError) -> OutboxClaim {
    let corrupt = takeInFallback(atLeast: limit)
    var claim = try working { () throws(StateError) in try claimDue(limit, deliverer, now) }
    claim.corrupt += corrupt
    if !claim.records.isEmpty { hasGivenNumbers = true }
    return claim
  }

  /// The longest pause between two attempts. A `next_attempt` that lies further ahead was written before the clock was
  /// set back, and counts as due.
  public static let longestPause = Duration.seconds(10)

  /// Which pending records are due at the moment `?1`.
  private static let due =
    "state = 0 AND claim IS NULL AND next_attempt NOT BETWEEN ?1 + 1 AND ?1 + \(longestPause.wholeMicroseconds) "
    + "AND window_end > ?1"

  private func claimDue(
    _ limit: Int, _ deliverer: ClaimOwner, _ now: Timestamp
  ) throws(StateError) -> OutboxClaim {
    let dead = try deadHolders(besides: deliverer.name)
    // Looking takes no lock: frequent polling does not disturb other processes.
    let isWorthTheLock = try hasDue(now)
    guard isWorthTheLock || !dead.isEmpty else { return OutboxClaim() }
    let take = try database.statement(
      """
      UPDATE payload SET claim = ?2 WHERE id IN (
        SELECT id FROM payload INDEXED BY waiting WHERE \(Self.due) ORDER BY id LIMIT ?3)
      RETURNING id, key, value, headers, checksum, created, window_end, attempts, possibly_persisted
      """)
    return try writing { () throws(StateError) in
      try free(dead)
      var claim = OutboxClaim()
      try take.rows([.integer(now.microseconds), .text(deliverer.name), .integer(Int64(max(0, limit)))]) { row in
        if let record = Self.record(row) { claim.records.append(record) } else { claim.corrupt.append(row.integer(0)) }
      }
      // An index that names only records which are not there would delay all others without a notice.
      if claim == OutboxClaim(), limit > 0, try hasDue(now) { throw .corrupt(path: database.path) }
      for record in claim.corrupt { try setAside(record, at: now) }
      // SQLite promises no order of the rows that an update returns.
      claim.records.sort { $0.id < $1.id }
      claim.corrupt.sort()
      return claim
    }
  }

  /// Takes the claims of dead deliverers from their records. These may have been sent: a crash between sending
  /// and acknowledgement leaves no trace but the claim.
  func free(_ dead: [String]) throws(StateError) {
    for holder in dead {
      try database.statement(
        "UPDATE payload SET claim = NULL, possibly_persisted = 1, attempts = attempts + 1 WHERE claim = ?"
      ).run(.text(holder))
    }
  }

  /// The holders of claims that are dead. One that was found alive is not looked at again for a second.
  func deadHolders(besides own: String? = nil) throws(StateError) -> [String] {
    // From one holder to the next by the index, over however many records each of them holds.
    let next = try database.statement(
      "SELECT claim FROM payload INDEXED BY claims WHERE claim IS NOT NULL AND claim > ? ORDER BY claim LIMIT 1")
    let now = elapsed
    var dead: [String] = []
    var stillAlive: [String: MonotonicInstant] = [:]
    var holder = ""
    while let found = try next.first([.text(holder)], row: { $0.text(0) }) {
      holder = found
      if holder == own { continue }
      if let until = aliveHolders[holder], now < until {
        stillAlive[holder] = until
      } else if ClaimOwner.isAlive(holder, in: home) {
        stillAlive[holder] = now + .seconds(1)
      } else {
        dead.append(holder)
      }
    }
    aliveHolders = stillAlive
    return dead
  }

  /// Removes what deliverers that died without a claim left behind.
  public func removeDeadDeliverers() { ClaimOwner.removeDead(in: home) }

  private func hasDue(_ now: Timestamp) throws(StateError) -> Bool {
    try database.statement("SELECT 1 FROM payload INDEXED BY waiting WHERE \(Self.due) LIMIT 1")
      .first([.integer(now.microseconds)], row: { _ in true }) ?? false
  }

  func setAside(_ record: Int64, at now: Timestamp) throws(StateError) {
    try database.statement(
      "UPDATE payload SET state = 3, claim = NULL, settled = ?, last_error = ? WHERE id = ?"
    ).run(.integer(now.microseconds), .text(Self.corruptRecord), .integer(record))
  }

  /// Why a record is set aside.
  static let corruptRecord = "the record does not read as it was written"

  /// The record in a row of the columns of ``claim(limit:for:at:)``; nil if its checksum is wrong.
  static func record(_ row: SQLiteStatement) -> OutboxRecord? {
    let key = row.text(1)
    let value = row.bytes(2)
    let headerBytes = row.bytes(3)
    guard RecordEncoding.checksum(key: key, value: value, headers: headerBytes) == row.integer(4),
      let headers = RecordEncoding.decode(headerBytes)
    else { return nil }
    return OutboxRecord(
      id: row.integer(0), record: InsightsRecord(key: key, value: value, headers: headers),
      createdAt: Timestamp(microseconds: row.integer(5)), windowEnd: Timestamp(microseconds: row.integer(6)),
      attempts: Int(row.integer(7)), possiblyPersisted: row.integer(8) != 0)
  }
}
