// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// A line of the journal, taken apart into the columns of `history.db`.
enum RunLine {
  /// An execution that ended.
  case run(Run)
  /// Payloads that were removed from the outbox without having been delivered.
  case settled(state: String, at: Int64, requestIDs: [String])

  /// The columns of an execution. `record` is its JSON without `metrics` and `delivery`.
  struct Run {
    var requestID: String
    var startedAt: Int64
    /// Empty for a bare command.
    var owner = ""
    var name = ""
    /// ``RunSelection/rank(_:)``.
    var version: Int64 = 0
    var outcome: String
    var record: [UInt8]
    var metrics: [UInt8]
    var delivery: [UInt8]
  }

  /// Nil for a text that is neither.
  init?(_ json: [UInt8]) {
    guard let members = JSONMembers(json) else { return nil }
    if let state = members.string("settled"), let moment = members.integer("at"),
      let ids = members.string("request_ids")
    {
      self = .settled(state: state, at: moment, requestIDs: ids.split(separator: "\n").map(String.init))
      return
    }
    guard let run = Run(members) else { return nil }
    self = .run(run)
  }
}

extension RunLine.Run {
  /// The columns of an execution record; nil without the members that every record has.
  init?(_ members: JSONMembers) {
    guard let requestID = members.string("request_id"),
      let startedAt = members.string("timestamp").flatMap({ Timestamp(parsing: $0) })
    else { return nil }
    self.requestID = requestID
    // A payload of the standard format does not show it.
    outcome = members.string("outcome") ?? ""
    self.startedAt = startedAt.microseconds
    if let reference = members.string("algorithm").flatMap({ try? AlgorithmReference(parsing: $0) }),
      case .exact(let number) = reference.selector
    {
      (owner, name) = (reference.algorithm.owner, reference.algorithm.name)
      version = RunSelection.rank(number)
    }
    metrics = members["metrics"] ?? Array("{}".utf8)
    delivery = members["delivery"] ?? Array("null".utf8)
    var json = JSONWriter()
    json.beginObject()
    for (name, value) in members.all where name != "metrics" && name != "delivery" && name != "payload" {
      json.name(name)
      json.raw(value)
    }
    json.endObject()
    record = json.bytes
  }
}
