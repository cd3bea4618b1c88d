internal import HTTPService
internal import JSONText
internal import RunModel
internal import StateStore

/// Versions, keys, the connection and the outbox: all that is read from the home or written to it.
final class StateRoutes {
  private let versions: VersionStore
  private let keys: KeyStore
  private let connections: ConnectionStore
  private let home: HomeDirectory
  private let allowsPublish: Bool

  init(_ state: StateDatabase, keys: KeyStore, home: HomeDirectory, allowsPublish: Bool) {
    versions = VersionStore(state)
    self.keys = keys
    connections = ConnectionStore(state)
    self.home = home
    self.allowsPublish = allowsPublish
  }

  /// The latest version that matches the segments of a path; nil if none does.
  func version(_ owner: String, _ name: String, _ selector: String) throws(StateError) -> PublishedVersion? {
    guard let algorithm = try? AlgorithmName(parsing: "\(owner)/\(name)"),
      let any = try? AlgorithmReference(parsing: "\(algorithm)")
    else { return nil }
    if selector == "latest" || selector == "latestPrivate" { return try versions.latest(matching: any) }
    if selector.utf8.count == 40 {
      return try versions.versions(matching: any).last {
        VersionFingerprint.hexadecimal(of: $0).hasPrefix(selector.lowercased())
      }
    }
    guard let reference = try? AlgorithmReference(parsing: "\(algorithm)/\(selector)") else { return nil }
    return try versions.latest(matching: reference)
  }

  /// Carries a request out. Errors of the home become statuses here and nowhere else.
  func response(to route: Route, _ exchange: HTTPExchange, key: APIKey?) -> HTTPResponse {
    do throws(StateError) { return try respond(route, exchange, key) } catch {
      let status =
        switch error {
        case .noSuchVersion, .noSuchKey: 404
        case .keyExists, .alreadyPublished: 409
        case .versionsExhausted: 422
        default: 503
        }
      return .error(status, "\(error)", requestID: exchange.id)
    }
  }

  private func respond(_ route: Route, _ exchange: HTTPExchange, _ key: APIKey?) throws(StateError) -> HTTPResponse {
    let (id, values) = (exchange.id, route.values)
    func noSuchAlgorithm() -> HTTPResponse {
      .error(404, "No such algorithm: \(values.prefix(2).joined(separator: "/"))", code: 1000, requestID: id)
    }
    switch route.endpoint {
    case .algorithms:
      var newest: [PublishedVersion] = []
      for version in try versions.versions() {
        if newest.last?.algorithm == version.algorithm { newest.removeLast() }
        newest.append(version)
      }
      return .json(VersionJSON.list(newest, marker: nil))
    case .algorithm, .compile:
      guard let version = try version(values[0], values[1], "latest") else { return noSuchAlgorithm() }
      return .json(VersionJSON.document(version))
    case .versions: return try list(values, exchange) ?? noSuchAlgorithm()
    case .version:
      guard let version = try version(values[0], values[1], values[2]) else { return noSuchAlgorithm() }
      return .json(VersionJSON.document(version))
    case .patch:
      guard let version = try version(values[0], values[1], values[2]) else { return noSuchAlgorithm() }
      guard let reference = try? AlgorithmReference(parsing: version.reference),
        let insights = JSONMembers(exchange.body.bytes)?["settings"].flatMap({ JSONMembers($0) })?
          .boolean("insights_enabled")
      else { return .error(400, #"the body is {"settings":{"insights_enabled":true}}, or false."#, requestID: id) }
      return .json(VersionJSON.document(try versions.setInsights(insights, matching: reference)))
    case .publish: return try publish(values, exchange, key)
    case .keys, .createKey, .revokeKey: return try manageKeys(route, exchange)
    case .connection: return try showConnection()
    case .removeConnection:
      try connections.remove()
      return HTTPResponse(status: 204, type: "application/json", body: .bytes([]))
    default: return .error(404, "this is not part of algo-run yet.", requestID: id)
    }
  }

  private func list(_ values: [String], _ exchange: HTTPExchange) throws(StateError) -> HTTPResponse? {
    guard let reference = try? AlgorithmReference(parsing: "\(values[0])/\(values[1])") else { return nil }
    var all = Array(try versions.versions(matching: reference).reversed())
    guard !all.isEmpty else { return nil }
    let target = exchange.request.target
    if let marker = target.parameter("marker"), !marker.isEmpty {
      all = Array(all.drop { $0.version.description != marker }.dropFirst())
    }
    let limit = min(max(target.parameter("limit").flatMap { Int($0) } ?? 100, 1), 1000)
    let page = all.prefix(limit)
    return .json(VersionJSON.list(page, marker: page.count < all.count ? page.last?.version.description : nil))
  }

  /// Publishes the command of the newest version again. A retry of a refused request changes nothing: all is checked
  /// before.
  private func publish(
    _ values: [String], _ exchange: HTTPExchange, _ key: APIKey?
  ) throws(StateError) -> HTTPResponse {
    let id = exchange.id
    let body = exchange.body.bytes.isEmpty ? Array("{}".utf8) : exchange.body.bytes
    guard let members = JSONMembers(body), let algorithm = try? AlgorithmName(parsing: "\(values[0])/\(values[1])")
    else {
      return .error(400, "the body is not a JSON object, or the path names no algorithm; correct it.", requestID: id)
    }
    guard members["algo_run"] == nil else {
      return .error(403, "commands cannot be published over HTTP; use algo-run publish.", code: 2001, requestID: id)
    }
    guard let previous = try version(values[0], values[1], "latest") else {
      return .error(400, "the first version of an algorithm needs a command; use algo-run publish.", requestID: id)
    }
    let settings = members["settings"].flatMap { JSONMembers($0) }
    let info = members["version_info"].flatMap { JSONMembers($0) }
    var publication = Publication(algorithm: algorithm, command: previous.command)
    publication.directory = previous.directory
    publication.timeLimit = previous.timeLimit
    publication.environment = previous.environment
    publication.worker = previous.worker
    publication.notes = info?.string("release_notes") ?? members.string("release_notes") ?? ""
    publication.insights = settings?.boolean("insights_enabled") ?? info?.boolean("insights_enabled")
    if let type = info?.string("version_type") ?? members.string("version_type") {
      guard let part = VersionNumber.Part(rawValue: type) else {
        return .error(400, "version_type is major, minor or revision; correct it.", requestID: id)
      }
      publication.numbering = .raising(part)
    }
    return .json(VersionJSON.document(try versions.publish(publication)))
  }

  private func manageKeys(_ route: Route, _ exchange: HTTPExchange) throws(StateError) -> HTTPResponse {
    switch route.endpoint {
    case .revokeKey:
      try keys.revoke(route.values[0])
      return HTTPResponse(status: 204, type: "application/json", body: .bytes([]))
    case .createKey:
      let members = JSONMembers(exchange.body.bytes)
      guard let name = members?.string("name"), APIKey.isValidName(name),
        let scope = KeyScope(rawValue: members?.string("scope") ?? KeyScope.call.rawValue)
      else {
        return .error(
          400, "name is 1 to 64 letters, digits, _ . and -, and scope call, publish or admin.", requestID: exchange.id)
      }
      let key = try keys.create(name, scope: scope)
      var json = JSONWriter()
      json.beginObject()
      json.member("name", name)
      json.member("scope", scope.rawValue)
      json.member("key", key.revealed)
      json.endObject()
      return .json(json.bytes)
    default:
      var json = JSONWriter()
      json.beginObject()
      json.name("results")
      json.beginArray()
      for key in try keys.keys() {
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
  }

  /// The connection without its secrets.
  private func showConnection() throws(StateError) -> HTTPResponse {
    let connection = try connections.connection()
    var json = JSONWriter()
    json.beginObject()
    if let connection, connection.kind != .file {
      json.member("connection_type", connection.kind.rawValue)
      json.member("broker_urls", connection.brokers.joined(separator: ","))
      json.member("topic_name", connection.topic)
    } else {
      json.member("connection_type", "file")
      json.member("path", connection?.filePath ?? home.insightsFile)
    }
    json.endObject()
    return .json(json.bytes)
  }
}

extension JSONMembers {
  /// The value of a member that is true or false.
  fileprivate func boolean(_ name: String) -> Bool? {
    switch self[name].map({ String(decoding: $0, as: UTF8.self) }) {
    case "true": true
    case "false": false
    default: nil
    }
  }
}
