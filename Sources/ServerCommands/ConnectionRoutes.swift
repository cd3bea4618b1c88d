// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import JSONText
internal import KafkaClient
internal import RunModel
internal import StateStore

/// Shows, sets and removes the connection. Its password goes in and never comes out.
struct ConnectionRoutes {
  let store: ConnectionStore
  let home: HomeDirectory

  // MARK: For pages, too

  /// Saves the connection of the form, without a test.
  func save(_ form: ConnectionForm) throws(RouteProblem) {
    let draft = try draft(form)
    defer { store.discard(draft) }
    do throws(KafkaError) { _ = try ConnectionCheck.check(draft) } catch {
      throw RouteProblem(409, "\(error); correct the connection.")
    }
    try RouteProblem.of { () throws(StateError) in try store.adopt(draft) }
  }

  /// A test of the form's connection, or without a form of the connection as it is. It changes nothing.
  func trial(_ form: ConnectionForm?) throws(RouteProblem) -> ConnectionTrial {
    if let form { return ConnectionTrial(connection: try draft(form), isDraft: true, insightsFile: home.insightsFile) }
    let connection = try RouteProblem.of { () throws(StateError) in try store.connection() }
    if connection == nil { try RouteProblem.of { () throws(StateError) in try home.create() } }
    return ConnectionTrial(
      connection: connection ?? home.standardConnection, isDraft: false,
      insightsFile: home.insightsFile)
  }

  /// Removes the copied authority of a trial.
  func discard(_ trial: ConnectionTrial) { if trial.isDraft { store.discard(trial.connection) } }

  private func draft(_ form: ConnectionForm) throws(RouteProblem) -> Connection {
    let before = try RouteProblem.of { () throws(StateError) in try store.connection() }
    var connection: Connection
    do throws(ConnectionForm.Problem) { connection = try form.connection(changing: before, in: home) } catch {
      throw RouteProblem(error.isConflict ? 409 : 400, error.message, field: error.field)
    }
    guard connection.kind == .saslSSL, !form.authority.isEmpty else { return connection }
    // OpenSSL also takes "TRUSTED CERTIFICATE" and "X509 CERTIFICATE".
    guard form.authority.containsBytes(" CERTIFICATE-----") else {
      throw RouteProblem(
        400, "the CA certificate is not in PEM form; convert it with: openssl x509 -inform der -in FILE.",
        field: "ca_certificate")
    }
    let bytes = Array(form.authority.utf8)
    connection.certificateAuthority = try RouteProblem.of { () throws(StateError) in
      try store.draftCertificateAuthority(bytes)
    }
    return connection
  }

  // MARK: Routes

  func show() throws(RouteProblem) -> HTTPResponse {
    try RouteProblem.of { () throws(StateError) in
      .json(Self.json(try store.connection(), try store.certificateAuthorityText(), home))
    }
  }

  func set(_ request: StateRequest) throws(RouteProblem) -> HTTPResponse {
    try save(try ConnectionForm(request.members()))
    return try show()
  }

  func remove() throws(RouteProblem) -> HTTPResponse {
    try RouteProblem.of { () throws(StateError) in _ = try store.remove() }
    return HTTPResponse(status: 204, type: "application/json", body: .bytes([]))
  }

  /// The connection without its secrets. Clients of the original service demand `broker_url` and `topic`.
  private static func json(_ connection: Connection?, _ authority: String, _ home: HomeDirectory) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("id", "insights-connection")
    let type =
      switch connection?.kind {
      case .plaintext: "kafka_unauthenticated_plaintext"
      case .saslSSL: "kafka_sasl_ssl"
      case .file, nil: "file"
      }
    json.member("connection_type", type)
    json.member("broker_url", connection?.brokers.joined(separator: ",") ?? "")
    json.member("topic", connection?.topic ?? "")
    if type == "file" { json.member("path", connection?.filePath ?? home.insightsFile) }
    if let connection, let authentication = connection.authentication {
      json.name("event_hubs")
      json.boolean(connection.isEventHubs)
      json.member("sasl_mechanism", authentication.mechanism.rawValue)
      json.member("broker_username", authentication.username)
      json.name("broker_password_set")
      json.boolean(true)
      if !authority.isEmpty { json.member("ca_certificate", authority) }
    }
    let shown = connection ?? Connection(kind: .file)
    json.member("payload_format", shown.payloadFormat.rawValue)
    json.member("delivery_window", DurationText.format(shown.deliveryWindow))
    json.endObject()
    return json.bytes
  }
}
