// SPDX-License-Identifier: Apache-2.0
/// Where and how payloads are delivered: the one connection of a home. With none at all, they go to a file in the home.
public struct Connection: Sendable, Equatable {
  /// The kind of the other end.
  public enum Kind: String, Sendable, CaseIterable {
    /// Kafka without encryption or authentication.
    case plaintext
    /// Kafka with TLS and SASL.
    case saslSSL = "sasl_ssl"
    /// A file of NDJSON.
    case file
  }

  /// The kind of the other end.
  public var kind: Kind
  /// The Kafka topic; empty for a file.
  public var topic: String
  /// `host:port` of each broker to begin with; empty for a file.
  public var brokers: [String]
  /// Where the file is, absolute; nil for Kafka.
  public var filePath: String?
  /// The login of algo-run; nil but for `sasl_ssl`.
  public var authentication: Authentication?
  /// The copied certificate authority, absolute; nil for the system's roots.
  public var certificateAuthority: String?
  /// Whether the other end is Azure Event Hubs, which wants settings of its own.
  public var isEventHubs: Bool
  /// Properties for librdkafka, in the order given; later ones win.
  public var properties: [Property]
  /// How payloads are written.
  public var payloadFormat: PayloadFormat
  /// How long delivery of a payload is attempted.
  public var deliveryWindow: Duration
  /// How long `exec` waits for the acknowledgement after its child has ended.
  public var deliveryWait: Duration
  /// How long, and how many, payloads are kept that were not delivered in their window.
  public var retention: Retention
  /// The treatment of a payload at the end of its window.
  public var onExpiry: OnExpiry

  /// A connection of given parts, the rest preset as docs/contract.md section 8 says.
  public init(
    kind: Kind, topic: String = "", brokers: [String] = [], filePath: String? = nil,
    authentication: Authentication? = nil, certificateAuthority: String? = nil, isEventHubs: Bool = false,
    properties: [Property] = [], payloadFormat: PayloadFormat = .standard,
    deliveryWindow: Duration = Connection.standardDeliveryWindow,
    deliveryWait: Duration = Connection.standardDeliveryWait, retention: Retention = .standard,
    onExpiry: OnExpiry = .keep
  ) {
    self.kind = kind
    self.topic = topic
    self.brokers = brokers
    self.filePath = filePath
    self.authentication = authentication
    self.certificateAuthority = certificateAuthority
    self.isEventHubs = isEventHubs
    self.properties = properties
    self.payloadFormat = payloadFormat
    self.deliveryWindow = deliveryWindow
    self.deliveryWait = deliveryWait
    self.retention = retention
    self.onExpiry = onExpiry
  }

  /// Four minutes.
  public static let standardDeliveryWindow = Duration.seconds(240)
  /// Two seconds.
  public static let standardDeliveryWait = Duration.seconds(2)
}

extension Connection {
  /// SASL: the mechanism, and who with what.
  public struct Authentication: Sendable, Equatable {
    /// How the password is proved.
    public enum Mechanism: String, Sendable, CaseIterable {
      case scramSHA256 = "SCRAM-SHA-256"
      case scramSHA512 = "SCRAM-SHA-512"
      case plain = "PLAIN"
    }

    /// How the password is proved.
    public var mechanism: Mechanism
    /// Who.
    public var username: String
    /// With what.
    public var password: PasswordSource

    /// Authentication of given parts.
    public init(mechanism: Mechanism, username: String, password: PasswordSource) {
      self.mechanism = mechanism
      self.username = username
      self.password = password
    }
  }

  /// Where the password comes from. A reference is read when the password is used, never before.
  public enum PasswordSource: Sendable, Equatable {
    /// The file at this absolute path holds it, less a newline at its end.
    case file(String)
    /// This variable of algo-run's environment holds it.
    case environment(String)
    /// It is kept with the connection.
    case kept(Secret)
  }

  /// `-X NAME=VALUE` for librdkafka.
  public struct Property: Sendable, Equatable, CustomStringConvertible {
    /// librdkafka's name for it.
    public var name: String
    /// Its value, which may be a secret: passwords and keys can be given this way too.
    public var value: Secret

    /// A property of a given name and value.
    public init(name: String, value: String) {
      self.name = name
      self.value = Secret(value)
    }

    /// Takes `NAME=VALUE`; nil without a name or without `=`.
    public init?(parsing text: String) {
      guard let pair = EnvironmentVariable(parsing: text) else { return nil }
      self.init(name: pair.name, value: pair.value)
    }

    /// Whether the value must not be shown. Names of librdkafka that hold a secret contain one of these words:
    /// `sasl.password`, `ssl.key.password`, `ssl.key.pem`, `sasl.oauthbearer.client.secret`, `sasl.jaas.config`, ….
    public var isSecret: Bool {
      let lowercased = name.lowercased()
      return Self.secretWords.contains { lowercased.containsBytes($0) }
    }

    /// `NAME=VALUE`, a secret value redacted.
    public var description: String { "\(name)=\(isSecret ? Secret.redacted : value.revealed)" }

    private static let secretWords = [
      "password", "passphrase", "secret", "token", "key.pem", "ssl_key", "oauthbearer.config", "jaas", "assertion",
    ]
  }

  /// How long, and how many, undelivered payloads are kept after their window.
  public struct Retention: Sendable, Equatable {
    /// Counted from the moment they were given up.
    public var age: Duration
    /// The newest payloads, up to a number.
    public var records: Int

    /// Seven days, 100,000 records.
    public static let standard = Retention(age: .seconds(7 * 86_400), records: 100_000)

    /// Retention of given limits.
    public init(age: Duration, records: Int) {
      self.age = age
      self.records = records
    }
  }

  /// The treatment of a payload at the end of its window.
  public enum OnExpiry: String, Sendable, CaseIterable {
    /// It is kept for `outbox retry`.
    case keep
    /// It is dropped, as the original service did.
    case drop
  }
}
