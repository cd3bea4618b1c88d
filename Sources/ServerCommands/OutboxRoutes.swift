// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import RunModel
internal import StateStore

/// Shows undelivered payloads, makes them pending again, and removes them.
struct OutboxRoutes {
  let home: HomeDirectory
  let connections: ConnectionStore

  /// Counts by state, and a page of records.
  func show(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    var states = OutboxState.allCases
    if let name = try request.parameter("state") {
      guard let state = OutboxState(name: name) else {
        throw RouteProblem(400, "the parameter state is pending, expired, rejected or corrupt; correct it.")
      }
      states = [state]
    }
    let after = try request.number("after", in: 0 ... .max, or: 0)
    let limit = try request.number("limit", in: 1...1000, or: 100)
    return try RouteProblem.of { () throws(StateError) in
      let outbox = try Outbox.existing(home: home)
      var status = try outbox?.status() ?? OutboxStatus()
      status.inFallback = try FallbackFile.count(in: home)
      let records = try outbox?.list(states: states, after: Int64(after), limit: limit) ?? []
      return .json(Self.json(status, try outbox?.outage(), records))
    }
  }

  func retry(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    let selection = try Self.selection(request, all: [.expired, .rejected], byNumber: [.expired, .rejected])
    return try RouteProblem.of { () throws(StateError) in
      let window = try connections.connection()?.deliveryWindow ?? Connection.standardDeliveryWindow
      return Self.count("retried", try Outbox.existing(home: home)?.retry(selection, window: window) ?? 0)
    }
  }

  func purge(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    let selection = try Self.selection(
      request, all: [.expired, .rejected, .corrupt], byNumber: OutboxState.allCases)
    return try RouteProblem.of { () throws(StateError) in
      Self.count("purged", try Outbox.existing(home: home)?.purge(selection) ?? 0)
    }
  }

  /// `all`, `states` or `ids`: one of them, because removing needs no guesses.
  private static func selection(
    _ request: StateRequest, all: [OutboxState], byNumber: [OutboxState]
  ) throws(RouteProblem) -> OutboxSelection {
    let members = try request.members()
    let problem = RouteProblem(
      400, #"the body is {"all":true}, {"states":["expired"]} or {"ids":[17]}; name one of them."#)
    guard ["all", "states", "ids"].filter({ members.has($0) }).count == 1 else { throw problem }
    if members.has("all") {
      guard members.boolean("all") == true else { throw problem }
      return OutboxSelection(states: all)
    }
    if let names = members.array("states") {
      let states = names.map { JSONString.text($0).flatMap { OutboxState(name: $0) } }
      guard !states.isEmpty, !states.contains(nil) else { throw problem }
      return OutboxSelection(states: states.compactMap(\.self))
    }
    let ids = members.array("ids")?.map { Self.integer(String(decoding: $0, as: UTF8.self)) }
    guard let ids, !ids.isEmpty, ids.allSatisfy({ ($0 ?? 0) > 0 }) else { throw problem }
    return OutboxSelection(states: byNumber, ids: Array(Set(ids.compactMap(\.self))).sorted())
  }

  /// `17`, and `17.0`, which JSON does not distinguish.
  private static func integer(_ text: String) -> Int64? {
    Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
  }

  private static func count(_ name: String, _ count: Int) -> HTTPResponse {
    var json = JSONWriter()
    json.beginObject()
    json.member(name, integer: count)
    json.endObject()
    return .json(json.bytes)
  }

  private static func json(_ status: OutboxStatus, _ outage: BrokerOutage?, _ records: [OutboxListing]) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    let outbox = OutboxJSON(showsNull: false)
    outbox.write(status, outage, to: &json)
    json.name("records")
    outbox.write(records, to: &json)
    json.endObject()
    return json.bytes
  }
}
