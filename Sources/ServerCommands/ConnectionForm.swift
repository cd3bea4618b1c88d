// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// The connection as a request or a page gives it. Only the password may be left out, to keep the one before.
struct ConnectionForm: Sendable, Equatable {
  /// A field that cannot be used: its name in the API, and one sentence.
  struct Problem: Error, Equatable {
    let field: String
    let message: String
    /// Whether it is wrong only together with stored values.
    var isConflict = false
  }

  enum Kind: String, Sendable, CaseIterable { case plaintext, saslSSL, eventHubs, file }

  var kind = Kind.plaintext
  /// One or more, with commas, spaces or lines between them.
  var brokers = ""
  var topic = ""
  var mechanism: Connection.Authentication.Mechanism?
  var username = ""
  /// Nil or empty for the password before.
  var password: Secret?
  /// In PEM form; empty for the roots of the system.
  var authority = ""
  /// Of `file`; empty for the file in the home.
  var path = ""

  init() {}

  /// The form that shows a connection; nil for that to a file that holds if none is set. The password is left out.
  init(_ connection: Connection?, authority: String) {
    guard let connection else {
      kind = .file
      return
    }
    kind =
      switch connection.kind {
      case .plaintext: .plaintext
      case .saslSSL: connection.isEventHubs ? .eventHubs : .saslSSL
      case .file: .file
      }
    brokers = connection.brokers.joined(separator: ",")
    topic = connection.topic
    mechanism = connection.authentication?.mechanism
    username = connection.authentication?.username ?? ""
    path = connection.filePath ?? ""
    self.authority = authority
  }

  /// The body of a request: the names are those of the original service, and `plaintext`, `sasl_ssl`, `event_hubs`,
  /// `file` and `path` are ours.
  init(_ members: JSONMembers) throws(RouteProblem) {
    guard let kind = try members.text("connection_type").flatMap({ Self.kind(named: $0) }) else {
      throw RouteProblem(
        400,
        "connection_type is kafka_unauthenticated_plaintext, kafka_sasl_ssl, event_hubs or file; correct it.")
    }
    self.kind = kind
    if try members.flag("event_hubs") == true, kind == .saslSSL { self.kind = .eventHubs }
    brokers = try members.text("broker_url") ?? ""
    topic = try members.text("topic") ?? ""
    username = try members.text("broker_username") ?? ""
    password = try members.text("broker_password").map { Secret($0) }
    authority = try members.text("ca_certificate") ?? ""
    path = try members.text("path") ?? ""
    if let name = try members.text("sasl_mechanism"), !name.isEmpty {
      mechanism = Connection.Authentication.Mechanism(rawValue: name)
      guard mechanism != nil else {
        throw RouteProblem(400, "sasl_mechanism is SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN; correct it.")
      }
    }
  }

  private static func kind(named name: String) -> Kind? {
    switch name {
    case "kafka_unauthenticated_plaintext", "plaintext": .plaintext
    case "kafka_sasl_ssl", "sasl_ssl": .saslSSL
    case "event_hubs": .eventHubs
    case "file": .file
    default: nil
    }
  }

  /// The connection, without its authority. Of the one before it keeps payload format and times, and librdkafka's
  /// properties if the type is the same.
  func connection(changing before: Connection?, in home: HomeDirectory) throws(Problem) -> Connection {
    let wanted: Connection.Kind =
      switch kind {
      case .plaintext: .plaintext
      case .saslSSL, .eventHubs: .saslSSL
      case .file: .file
      }
    var connection = Connection(kind: wanted)
    if let before {
      connection.payloadFormat = before.payloadFormat
      connection.deliveryWindow = before.deliveryWindow
      connection.deliveryWait = before.deliveryWait
      connection.retention = before.retention
      connection.onExpiry = before.onExpiry
    }
    connection.isEventHubs = kind == .eventHubs
    guard wanted != .file else {
      connection.filePath = try file(in: home)
      return connection
    }
    connection.brokers = try addresses()
    connection.topic = topic.trimmed
    if let expected = ConnectionCheck.problem(withTopic: connection.topic) {
      throw Problem(field: "topic", message: "the topic name must have \(expected); correct it.")
    }
    let isSameTarget = before?.brokers == connection.brokers
    if let before, before.kind == wanted, before.isEventHubs == connection.isEventHubs {
      // A secret never goes to brokers that it was not given for.
      connection.properties = before.properties.filter { isSameTarget || !$0.isSecret }
    }
    if wanted == .saslSSL {
      connection.authentication = try authentication(before: isSameTarget ? before?.authentication : nil)
    }
    return connection
  }

  private func file(in home: HomeDirectory) throws(Problem) -> String {
    let path = path.isEmpty ? home.insightsFile : path
    guard path.hasPrefix("/"), !path.utf8.contains(0), path.utf8.count < 4096, path.unicodeScalars.count <= 1000
    else {
      throw Problem(field: "path", message: "the path of the file must begin with /; correct it.")
    }
    let written = FileIdentity(writing: path)
    guard written == nil || !home.ownFiles.contains(where: { FileIdentity(writing: $0) == written }) else {
      throw Problem(
        field: "path", message: "this file holds algo-run's own state; choose another file.", isConflict: true)
    }
    return path
  }

  /// Trimmed, with commas, spaces or lines between them: what people paste.
  private func addresses() throws(Problem) -> [String] {
    let texts = brokers.split { $0 == "," || $0.isWhitespace }
    var addresses: [String] = []
    for text in texts {
      let full = kind == .eventHubs && !text.contains(":") ? "\(text):9093" : String(text)
      guard let address = BrokerAddress(parsing: full) else {
        throw Problem(
          field: "broker_url",
          message:
            "\"\(TerminalText.escaped(String(text), inQuotes: false))\" is not a broker; write HOST:PORT, such as "
            + "kafka.example:9092.")
      }
      addresses.append(address.description)
    }
    guard !addresses.isEmpty else {
      throw Problem(field: "broker_url", message: "a broker is missing; write HOST:PORT, such as kafka.example:9092.")
    }
    return addresses
  }

  private func authentication(before: Connection.Authentication?) throws(Problem) -> Connection.Authentication {
    guard let mechanism = mechanism ?? (kind == .eventHubs ? .plain : nil) else {
      throw Problem(field: "sasl_mechanism", message: "the mechanism is missing; choose one.")
    }
    let username = username.isEmpty && kind == .eventHubs ? "$ConnectionString" : username
    guard !username.isEmpty else {
      throw Problem(field: "broker_username", message: "the user name is missing; enter it.")
    }
    if let password, !password.revealed.isEmpty {
      return Connection.Authentication(mechanism: mechanism, username: username, password: .kept(password))
    }
    guard let before, before.username == username else {
      throw Problem(
        field: "broker_password",
        message: "the password is missing; enter it: one that is stored is kept only if brokers and user name stay.",
        isConflict: true)
    }
    return Connection.Authentication(mechanism: mechanism, username: username, password: before.password)
  }
}

extension String {
  /// Without the space around it.
  fileprivate var trimmed: String {
    let rest = drop { $0.isWhitespace }
    return String(rest.reversed().drop { $0.isWhitespace }.reversed())
  }
}
