// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel
internal import StateStore

/// How the outbox is shown.
enum OutboxText {
  /// Counts by state, and the outage of the broker.
  static func rows(_ status: OutboxStatus, _ outage: BrokerOutage?) -> [[String]] {
    var rows = OutboxState.allCases.map { [$0.name, "\(status.count($0))"] }
    if status.inFallback > 0 { rows.append(["in fallback files", "\(status.inFallback)"]) }
    if status.claimed > 0 { rows.append(["being delivered", "\(status.claimed)"]) }
    rows.append(["bytes", "\(status.bytes)"])
    if let oldest = status.oldestPending { rows.append(["oldest pending", oldest.description]) }
    if let end = status.nextWindowEnd { rows.append(["next window ends", end.description]) }
    if let outage {
      rows.append([
        "broker", "down since \(outage.since): \(TerminalText.escaped(outage.lastError, limit: 500, inQuotes: false))",
      ])
    }
    return rows
  }

  /// The same as one object.
  static func json(_ status: OutboxStatus, _ outage: BrokerOutage?) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    for state in OutboxState.allCases { json.member(state.name, integer: status.count(state)) }
    json.member("fallback", integer: status.inFallback)
    json.member("being_delivered", integer: status.claimed)
    json.member("bytes", integer: status.bytes)
    json.member("oldest_pending", orNull: status.oldestPending?.description)
    json.member("next_window_end", orNull: status.nextWindowEnd?.description)
    json.name("broker_outage")
    if let outage {
      json.beginObject()
      json.member("since", outage.since.description)
      json.member("until", outage.until.description)
      json.member("last_error", outage.lastError)
      json.endObject()
    } else {
      json.null()
    }
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// One row a payload, under a headline.
  static func rows(_ records: [OutboxListing]) -> [[String]] {
    [["ID", "STATE", "REQUEST", "MADE", "ATTEMPTS", "CAUSE"]]
      + records.map { record in
        var cause = record.lastError.map { TerminalText.escaped($0, limit: 200, inQuotes: false) } ?? ""
        if record.possiblyPersisted { cause += (cause.isEmpty ? "" : "; ") + "may have been persisted" }
        return [
          "\(record.id)", record.state.name + (record.isClaimed ? "*" : ""),
          TerminalText.escaped(record.key, inQuotes: false),
          record.createdAt.description, "\(record.attempts)", cause,
        ]
      }
  }

  /// An array of them.
  static func json(_ records: [OutboxListing]) -> [UInt8] {
    var json = JSONWriter()
    json.beginArray()
    for record in records {
      json.beginObject()
      json.member("id", integer: record.id)
      json.member("request_id", record.key)
      json.member("state", record.state.name)
      json.member("created_at", record.createdAt.description)
      json.member("window_end", record.windowEnd.description)
      json.member("attempts", integer: record.attempts)
      json.member("next_attempt_at", orNull: record.nextAttemptAt?.description)
      json.name("possibly_persisted")
      json.boolean(record.possiblyPersisted)
      json.member("last_error", orNull: record.lastError)
      json.name("being_delivered")
      json.boolean(record.isClaimed)
      json.member("bytes", integer: record.bytes)
      json.endObject()
    }
    json.endArray()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
