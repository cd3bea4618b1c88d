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
    OutboxJSON(showsNull: true).write(status, outage, to: &json)
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
    OutboxJSON(showsNull: true).write(records, to: &json)
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
