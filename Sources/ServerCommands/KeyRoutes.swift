// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import RunModel
internal import StateStore

/// Creates, lists and revokes API keys.
struct KeyRoutes {
  let store: KeyStore

  func list() throws(RouteProblem) -> HTTPResponse {
    let keys = try RouteProblem.of { () throws(StateError) in try store.keys() }
    var json = JSONWriter()
    json.beginObject()
    json.name("results")
    json.beginArray()
    for key in keys {
      json.beginObject()
      json.member("name", key.name)
      json.member("scope", key.scope.rawValue)
      json.member("created_at", key.createdAt.description)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return .json(json.bytes)
  }

  /// The only answer that holds a key: nothing can show it again.
  func create(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    let members = try request.members()
    let scope = KeyScope(rawValue: try members.text("scope") ?? KeyScope.call.rawValue)
    guard let name = try members.text("name"), APIKey.isValidName(name), let scope else {
      throw RouteProblem(
        400, "name has 1 to 64 letters, digits, _ . and -, and scope is call, publish or admin; correct them.")
    }
    let key = try RouteProblem.of { () throws(StateError) in try store.create(name, scope: scope) }
    var json = JSONWriter()
    json.beginObject()
    json.member("name", name)
    json.member("scope", scope.rawValue)
    json.member("key", key.revealed)
    json.endObject()
    return .json(json.bytes)
  }

  func revoke(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    try RouteProblem.of { () throws(StateError) in try store.revoke(request.values[0]) }
    return HTTPResponse(status: 204, type: "application/json", body: .bytes([]))
  }
}
