// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import JSONText
internal import RunModel

/// `connection show --consumer`: librdkafka's properties for a consumer of the connection's topic, without secrets.
struct ConsumerSettings {
  /// Properties that the connection's user sets for the way to the broker; the others are the producer's alone.
  private static let shared = [
    "security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl.", "socket.", "broker.", "client.", "metadata.",
    "connections.", "reconnect.",
  ]

  private let topic: String
  private var properties: [(name: String, value: String)] = []
  /// Names of properties that the consumer needs and that are not shown, each with its place.
  private var secrets: [(name: String, place: String)] = []

  /// - Throws: ``CommandError`` for a connection to a file.
  init(_ connection: Connection) throws {
    guard connection.kind != .file else {
      throw CommandError(
        exitCode: 1,
        sentence: "the connection is a file, which needs no consumer; set a broker with: algo-run connection set.")
    }
    topic = connection.topic
    properties.append(("bootstrap.servers", connection.brokers.joined(separator: ",")))
    if connection.kind == .saslSSL {
      properties.append(("security.protocol", "SASL_SSL"))
      if let authority = connection.certificateAuthority { properties.append(("ssl.ca.location", authority)) }
      if let authentication = connection.authentication {
        properties.append(("sasl.mechanisms", authentication.mechanism.rawValue))
        properties.append(("sasl.username", authentication.username))
        secrets.append(("sasl.password", ConnectionText.password(authentication.password)))
      }
    }
    if connection.isEventHubs {
      properties += [("socket.keepalive.enable", "true"), ("connections.max.idle.ms", "180000")]
    }
    for property in connection.properties where Self.shared.contains(where: property.name.hasPrefix) {
      if property.isSecret {
        secrets.append((property.name, "set by -X"))
      } else {
        properties.append((property.name, property.value.revealed))
      }
    }
  }

  /// A properties file, as `kcat -F` and `algo-run-insights --config` take it.
  var text: String {
    func safe(_ text: String) -> String { TerminalText.escaped(text, limit: 4096, inQuotes: false) }
    let lines =
      ["# Topic: \(safe(topic))"] + properties.map { "\($0.name)=\(safe($0.value))" }
      + secrets.map { "# \($0.name) is a secret and is not shown (\(safe($0.place)))" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One object.
  var json: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("topic", topic)
    json.name("properties")
    json.beginObject()
    for property in properties { json.member(property.name, property.value) }
    json.endObject()
    json.name("secrets")
    json.beginArray()
    for secret in secrets { json.string(secret.name) }
    json.endArray()
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
