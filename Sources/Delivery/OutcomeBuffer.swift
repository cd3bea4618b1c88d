// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel
internal import StateStore

/// Outcomes of records that the outbox does not know yet.
struct OutcomeBuffer {
  /// Acknowledged records are removed when this many have gathered, or after this time: each removal is a transaction.
  static let removalGroup = 4000
  static let removalPause = Duration.milliseconds(100)

  private(set) var acknowledged: [Int64] = []
  private var failed: [FailedAttempt] = []
  private var nextRemoval: MonotonicInstant

  init(at now: MonotonicInstant) { nextRemoval = now }

  var isEmpty: Bool { acknowledged.isEmpty && failed.isEmpty }

  /// When they must be stored at the latest; nil if nothing was acknowledged.
  var due: MonotonicInstant? { acknowledged.isEmpty ? nil : nextRemoval }

  /// Whether to store them now. Failures are stored immediately: the records may be due again.
  func isDue(at now: MonotonicInstant) -> Bool {
    !failed.isEmpty || !acknowledged.isEmpty && (acknowledged.count >= Self.removalGroup || nextRemoval <= now)
  }

  mutating func acknowledge(_ id: Int64) { acknowledged.append(id) }

  mutating func fail(_ id: Int64, _ consequence: FailedAttempt.Consequence, _ error: String, _ mayBePersisted: Bool) {
    failed.append(FailedAttempt(id: id, consequence, error: error, possiblyPersisted: mayBePersisted))
  }

  /// The acknowledged records were removed from the outbox.
  mutating func removed(at now: MonotonicInstant) {
    acknowledged = []
    nextRemoval = now + Self.removalPause
  }

  /// Stores all in the outbox. Outcomes that could not be stored stay.
  ///
  /// - Parameter owner: of the claims, asked for if an attempt failed.
  /// - Returns: the moments at which failed records are due again.
  mutating func store(
    in outbox: Outbox, of owner: () throws(StateError) -> ClaimOwner, _ onExpiry: Connection.OnExpiry,
    clock: any DeliveryClock
  ) throws(StateError) -> [Timestamp] {
    try outbox.remove(acknowledged)
    removed(at: clock.elapsed)
    guard !failed.isEmpty else { return [] }
    try outbox.record(failed, of: owner(), at: clock.now, onExpiry)
    defer { failed = [] }
    return failed.compactMap { if case .retry(let moment) = $0.consequence { moment } else { nil } }
  }
}
