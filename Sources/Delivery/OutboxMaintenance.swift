// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel
internal import StateStore

/// Ends delivery windows and keeps the retention, for all records of the outbox that no deliverer has claimed.
struct OutboxMaintenance {
  /// Time between two looks for ended windows and dead deliverers, and between two removals of old records.
  static let pause = Duration.seconds(1)
  static let prunePause = Duration.seconds(60)

  /// When to look next.
  private(set) var due: MonotonicInstant
  private var nextPrune: MonotonicInstant
  private let connection: Connection

  init(_ connection: Connection, at now: MonotonicInstant) {
    self.connection = connection
    (due, nextPrune) = (now, now)
  }

  /// Looks begin anew after a pause.
  mutating func begin(at now: MonotonicInstant) { due = now + Self.pause }

  /// Whether to remove old records now.
  func isPruneDue(at now: MonotonicInstant) -> Bool { nextPrune <= now }

  /// A record was given up, so the retention may be exceeded.
  mutating func pruneSoon(at now: MonotonicInstant) { nextPrune = now }

  /// Gives up the records whose window ended and that no deliverer holds.
  ///
  /// - Parameter obstacle: what keeps records from being delivered.
  func endWindows(
    _ outbox: Outbox, _ obstacle: DestinationProblem?, at now: Timestamp
  ) throws(StateError) -> [(id: Int64, ending: RecordEnding)] {
    let cause = obstacle.map { "\($0)" }
    return try outbox.expire(at: now, connection.onExpiry, because: cause).map {
      ($0.id, $0.wasDenied ? .rejected("the broker denied it until its window ended") : .expired(cause ?? ""))
    }
  }

  /// Removes records beyond the retention, and returns how many.
  mutating func prune(_ outbox: Outbox, clock: any DeliveryClock) throws(StateError) -> Int {
    let removed = try outbox.prune(connection.retention, at: clock.now)
    nextPrune = clock.elapsed + Self.prunePause
    return removed
  }

  /// How many records of `ids` are in the outbox, given up.
  static func givenUp(_ ids: RecordRanges, in outbox: Outbox) throws(StateError) -> Int {
    var count = 0
    var last = ids.first - 1
    while case let page = try outbox.list(states: OutboxSelection.terminal.states, after: last, limit: 1000),
      let end = page.last
    {
      count += page.count { ids.contains($0.id) }
      last = end.id
    }
    return count
  }
}
