// SPDX-License-Identifier: Apache-2.0
public import RunModel

extension Outbox {
  /// Takes the turn to try a broker again whose outage has lapsed: of several processes at that moment one gets it, and
  /// for the others the broker stays known to be down until it has tried.
  ///
  /// - Parameters:
  ///   - lapsed: what ``outage()`` returned.
  ///   - until: when others may try, should this process never report a result.
  /// - Returns: Whether it is this process's turn.
  public func tryHalfOpen(after lapsed: BrokerOutage, until: Timestamp) throws(StateError) -> Bool {
    try writing { () throws(StateError) in
      let change = try database.statement("UPDATE broker_outage SET until = ? WHERE until = ?")
      try change.run(.integer(until.microseconds), .integer(lapsed.until.microseconds))
      return database.changes > 0
    }
  }
}
