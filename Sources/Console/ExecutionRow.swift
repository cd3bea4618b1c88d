// SPDX-License-Identifier: Apache-2.0
public import JSONText
public import RunModel

/// An execution as the history or a report has it.
public struct ExecutionRow: Sendable {
  /// The members of the execution record.
  public let members: JSONMembers
  /// Its request ID.
  public let requestID: String
  /// The version that ran; empty for a bare command.
  public let reference: String
  /// How it ended.
  public let outcome: String
  /// When it began.
  public let startedAt: Timestamp
  /// Wall time.
  public let milliseconds: Double
  /// Where its payload is.
  public let delivery: String

  /// Nil if the bytes are not an execution record.
  public init?(_ json: [UInt8]) {
    guard let members = JSONMembers(json), let requestID = members.string("request_id"),
      let startedAt = members.string("timestamp").flatMap({ Timestamp(parsing: $0) })
    else { return nil }
    self.members = members
    self.requestID = requestID
    self.startedAt = startedAt
    reference = members.string("algorithm") ?? ""
    outcome = members.string("outcome") ?? ""
    milliseconds = members["duration_milliseconds"].flatMap { Double(String(decoding: $0, as: UTF8.self)) } ?? 0
    delivery = members["delivery"].flatMap { JSONMembers($0) }?.string("state") ?? ""
  }

  /// The algorithm's name, without the version.
  var algorithm: String {
    let parts = reference.split(separator: "/")
    return parts.count < 2 ? reference : "\(parts[0])/\(parts[1])"
  }

  /// The accepted metrics: names, and numbers as they were written.
  var metrics: [(name: String, number: String)] {
    (members["metrics"].flatMap { JSONMembers($0) }?.all ?? []).map {
      ($0.name, String(decoding: $0.value, as: UTF8.self))
    }
  }

  /// The rejected metrics: subject, reason and detail.
  var rejections: [(subject: String, reason: String, detail: String)] {
    (members.array("rejected_metrics") ?? []).compactMap { JSONMembers($0) }.map { rejection in
      (
        rejection.string("name") ?? "line \(rejection.integer("line") ?? 0)", rejection.string("reason") ?? "",
        rejection.string("detail") ?? ""
      )
    }
  }

  /// A number of the record as it is written; nil if it is null or missing.
  func number(_ name: String) -> Double? { members[name].flatMap { Double(String(decoding: $0, as: UTF8.self)) } }
}
