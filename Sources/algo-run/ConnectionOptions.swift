// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import KafkaClient
internal import RunModel
internal import StateStore

/// The connection that the options of `connection set` mean.
enum ConnectionOptions {
  /// Azure Event Hubs speaks Kafka on this port alone.
  private static let eventHubsPort = 9093

  static func connection(
    _ invocation: Invocation, changing before: Connection?, _ home: HomeDirectory
  ) throws -> Connection {
    var connection = try start(invocation, before)
    try readTarget(invocation, &connection, home)
    if connection.kind == .saslSSL { connection.authentication = try authentication(invocation, connection) }
    try readProperties(invocation, &connection)
    try readTimes(invocation, &connection)
    return connection
  }

  /// The result of the options: the connection before with changes if it is of the same type, else a new one with its
  /// habits.
  private static func start(_ invocation: Invocation, _ before: Connection?) throws -> Connection {
    let isEventHubs = invocation.flag("event-hubs")
    let kind = invocation.value("type").flatMap { Connection.Kind(rawValue: $0) }
    if isEventHubs, let kind, kind != .saslSSL { throw invocation.conflict("--event-hubs", "--type \(kind.rawValue)") }
    guard let wanted = kind ?? (isEventHubs ? .saslSSL : before?.kind) else { throw invocation.missing("--type") }
    var connection = before ?? Connection(kind: wanted)
    if wanted != connection.kind
      || isEventHubs != connection.isEventHubs && (isEventHubs || invocation.isGiven("type"))
    {
      let habits = connection
      connection = Connection(
        kind: wanted, payloadFormat: habits.payloadFormat, deliveryWindow: habits.deliveryWindow,
        deliveryWait: habits.deliveryWait, retention: habits.retention, onExpiry: habits.onExpiry)
    }
    if isEventHubs { connection.isEventHubs = true }
    let foreign: [String: [Connection.Kind]] = [
      "path": [.file], "brokers": [.plaintext, .saslSSL], "topic": [.plaintext, .saslSSL], "mechanism": [.saslSSL],
      "username": [.saslSSL], "password-file": [.saslSSL], "password-env": [.saslSSL], "password-prompt": [.saslSSL],
      "ca": [.saslSSL], "system-roots": [.saslSSL], "X": [.plaintext, .saslSSL],
    ]
    for (option, kinds) in foreign.sorted(by: { $0.key < $1.key })
    where invocation.isGiven(option) && !kinds.contains(wanted) {
      throw invocation.conflict(option == "X" ? "-X" : "--\(option)", "--type \(wanted.rawValue)")
    }
    return connection
  }

  private static func readTarget(
    _ invocation: Invocation, _ connection: inout Connection, _ home: HomeDirectory
  ) throws {
    guard connection.kind != .file else {
      let named = try invocation.value("path").map { try AbsolutePath.of($0) }
      connection.filePath = named ?? connection.filePath ?? home.insightsFile
      return
    }
    if let list = invocation.value("brokers") {
      connection.brokers = try BrokerList.parse(
        list, assumedPort: connection.isEventHubs ? eventHubsPort : nil, invocation)
    }
    if let topic = invocation.value("topic") {
      if let expected = ConnectionCheck.problem(withTopic: topic) {
        throw invocation.invalid("topic", value: topic, expected: expected)
      }
      connection.topic = topic
    }
    if connection.brokers.isEmpty { throw invocation.missing("--brokers") }
    if connection.topic.isEmpty { throw invocation.missing("--topic") }
  }

  private static func authentication(
    _ invocation: Invocation, _ connection: Connection
  ) throws -> Connection.Authentication {
    let before = connection.authentication
    let named = invocation.value("mechanism").flatMap { Connection.Authentication.Mechanism(rawValue: $0) }
    guard let mechanism = named ?? before?.mechanism ?? (connection.isEventHubs ? .plain : nil) else {
      throw invocation.missing("--mechanism")
    }
    let preset = connection.isEventHubs ? "$ConnectionString" : nil
    guard let username = invocation.value("username") ?? before?.username ?? preset, !username.isEmpty else {
      throw invocation.missing("--username")
    }
    let given = ["password-file", "password-env", "password-prompt"].filter { invocation.isGiven($0) }
    if given.count > 1 { throw invocation.conflict("--\(given[0])", "--\(given[1])") }
    let password: Connection.PasswordSource
    if let path = invocation.value("password-file") {
      password = .file(try AbsolutePath.of(path))
    } else if let name = invocation.value("password-env") {
      guard !name.isEmpty, !name.contains("=") else {
        throw invocation.invalid("password-env", value: name, expected: "the name of a variable")
      }
      password = .environment(name)
    } else if let before, given.isEmpty, before.username == username || before.password.isReference {
      password = before.password
    } else {
      password = .kept(try PasswordPrompt.ask(user: username))
    }
    return Connection.Authentication(mechanism: mechanism, username: username, password: password)
  }

  private static func readProperties(_ invocation: Invocation, _ connection: inout Connection) throws {
    for text in invocation.values("X") {
      // The value may be a secret, so only the name is ever repeated.
      guard let property = Connection.Property(parsing: text) else {
        throw invocation.invalid("X", value: String(text.prefix { $0 != "=" }), expected: "NAME=VALUE")
      }
      if let instead = ConnectionCheck.problem(withProperty: property.name, of: connection.kind) {
        throw invocation.invalid("X", value: property.name, expected: "another property: \(instead)")
      }
      connection.properties.removeAll { $0.name == property.name }
      if !property.value.revealed.isEmpty { connection.properties.append(property) }
    }
  }

  private static func readTimes(_ invocation: Invocation, _ connection: inout Connection) throws {
    if let format = invocation.value("payload-format").flatMap({ PayloadFormat(rawValue: $0) }) {
      connection.payloadFormat = format
    }
    if let window = try SharedOptions.duration(invocation, "delivery-window") {
      guard window >= .seconds(1), window <= .seconds(30 * 86_400) else {
        throw invocation.invalid(
          "delivery-window", value: DurationText.format(window), expected: "at least one second and at most 30d")
      }
      connection.deliveryWindow = window
    }
    if let wait = try SharedOptions.deliveryWait(invocation) { connection.deliveryWait = wait }
    if let age = try SharedOptions.duration(invocation, "retention") { connection.retention.age = age }
    if let text = invocation.value("retention-records") {
      guard let records = Int(text), records >= 0 else {
        throw invocation.invalid("retention-records", value: text, expected: "a whole number")
      }
      connection.retention.records = records
    }
    if let onExpiry = invocation.value("on-expiry").flatMap({ Connection.OnExpiry(rawValue: $0) }) {
      connection.onExpiry = onExpiry
    }
  }
}

extension Connection.PasswordSource {
  /// Whether it names the place of the password, which another user's may be as well.
  fileprivate var isReference: Bool {
    if case .kept = self { false } else { true }
  }
}
