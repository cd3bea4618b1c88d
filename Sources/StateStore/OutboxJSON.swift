// SPDX-License-Identifier: Apache-2.0
public import JSONText
internal import RunModel

/// The outbox as members of JSON objects, for the command line and the HTTP API.
public struct OutboxJSON {
  private let showsNull: Bool

  /// - Parameter showsNull: whether a member without a value is null; else it is left out.
  public init(showsNull: Bool) { self.showsNull = showsNull }

  /// Counts by state, and the outage of the broker.
  public func write(_ status: OutboxStatus, _ outage: BrokerOutage?, to json: inout JSONWriter) {
    for state in OutboxState.allCases { json.member(state.name, integer: status.count(state)) }
    json.member("fallback", integer: status.inFallback)
    json.member("being_delivered", integer: status.claimed)
    json.member("bytes", integer: status.bytes)
    member("oldest_pending", status.oldestPending?.description, to: &json)
    member("next_window_end", status.nextWindowEnd?.description, to: &json)
    guard let outage else { return member("broker_outage", nil, to: &json) }
    json.name("broker_outage")
    json.beginObject()
    json.member("since", outage.since.description)
    json.member("until", outage.until.description)
    json.member("last_error", outage.lastError)
    json.endObject()
  }

  /// Records, as a whole array.
  public func write(_ records: [OutboxListing], to json: inout JSONWriter) {
    json.beginArray()
    for record in records {
      json.beginObject()
      json.member("id", integer: record.id)
      json.member("request_id", record.key)
      json.member("state", record.state.name)
      json.member("created_at", record.createdAt.description)
      json.member("window_end", record.windowEnd.description)
      json.member("attempts", integer: record.attempts)
      member("next_attempt_at", record.nextAttemptAt?.description, to: &json)
      json.name("possibly_persisted")
      json.boolean(record.possiblyPersisted)
      member("last_error", record.lastError, to: &json)
      json.name("being_delivered")
      json.boolean(record.isClaimed)
      json.member("bytes", integer: record.bytes)
      json.endObject()
    }
    json.endArray()
  }

  private func member(_ name: String, _ value: String?, to json: inout JSONWriter) {
    if value != nil || showsNull { json.member(name, orNull: value) }
  }
}
