// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// The outage of a broker, known to all processes of a home: `exec` does not wait for a
/// broker that another one has just found to be down.
public struct BrokerOutage: Sendable, Equatable {
  /// When the first attempt failed.
  public let since: Timestamp
  /// Until when no deliverer tries the broker.
  public let until: Timestamp
  /// The error of the last attempt.
  public let lastError: String

  /// Whether the broker counts as down at a moment. An end that lies implausibly far ahead, as after the clock was set
  /// back, is not believed.
  public func isKnown(at now: Timestamp) -> Bool { now < until && until < now + Self.longest }

  /// No breaker stays open for longer without another attempt.
  static let longest = Duration.seconds(600)
}

extension Outbox {
  /// The outage noted last; nil if the broker answered since.
  public func outage() throws(StateError) -> BrokerOutage? {
    try working { () throws(StateError) in
      try database.statement("SELECT since, until, last_error FROM broker_outage").first { row in
        BrokerOutage(
          since: Timestamp(microseconds: row.integer(0)), until: Timestamp(microseconds: row.integer(1)),
          lastError: row.text(2))
      }
    }
  }

  /// Notes that the broker did not answer and need not be tried before `until`. Its beginning stays that of the first
  /// note since the broker last answered.
  public func noteOutage(until: Timestamp, error: String, at now: Timestamp = WallClock.now()) throws(StateError) {
    try writing { () throws(StateError) in
      let note = try database.statement(
        """
        INSERT INTO broker_outage VALUES (1, ?, ?, ?)
        ON CONFLICT (one) DO UPDATE SET until = excluded.until, last_error = excluded.last_error
        """)
      try note.run(.integer(now.microseconds), .integer(until.microseconds), .text(error))
    }
  }

  /// Notes that the broker answered, or that there is another connection now. Writes only if there was an outage.
  public func clearOutage() throws(StateError) {
    guard try outage() != nil else { return }
    try writing { () throws(StateError) in try database.statement("DELETE FROM broker_outage").run() }
  }
}
