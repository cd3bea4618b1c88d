// SPDX-License-Identifier: Apache-2.0
import Platform
import RunModel

@testable import StateStore

extension FailedAttempt {
  /// An attempt whose consequence ``Outbox/reschedule(_:notBefore:of:)`` and its like add.
  init(id: Int64, error: String, possiblyPersisted: Bool = false) {
    self.init(id: id, .expire, error: error, possiblyPersisted: possiblyPersisted)
  }

  private func with(_ consequence: Consequence) -> FailedAttempt {
    FailedAttempt(id: id, consequence, error: error, possiblyPersisted: possiblyPersisted)
  }

  fileprivate static func all(_ attempts: [FailedAttempt], _ consequence: Consequence) -> [FailedAttempt] {
    attempts.map { $0.with(consequence) }
  }
}

/// ``Outbox/record(_:of:at:_:)`` for attempts that all have the same consequence.
extension Outbox {
  /// Gives back claimed records as if their deliverer had not sent them.
  func release(_ records: [Int64], of deliverer: ClaimOwner) throws(StateError) {
    try writing { () throws(StateError) in
      let release = try database.statement("UPDATE payload SET claim = NULL WHERE id = ? AND claim = ?")
      for record in records { try release.run(.integer(record), .text(deliverer.name)) }
    }
  }

  func reschedule(
    _ attempts: [FailedAttempt], notBefore moment: Timestamp, of deliverer: ClaimOwner
  ) throws(StateError) {
    try record(FailedAttempt.all(attempts, .retry(at: moment)), of: deliverer)
  }

  func expire(
    _ attempts: [FailedAttempt], of deliverer: ClaimOwner, at now: Timestamp = WallClock.now(),
    _ onExpiry: Connection.OnExpiry = .keep
  ) throws(StateError) {
    try record(FailedAttempt.all(attempts, .expire), of: deliverer, at: now, onExpiry)
  }

  func reject(
    _ attempts: [FailedAttempt], of deliverer: ClaimOwner, at now: Timestamp = WallClock.now()
  ) throws(StateError) {
    try record(FailedAttempt.all(attempts, .reject), of: deliverer, at: now)
  }
}
