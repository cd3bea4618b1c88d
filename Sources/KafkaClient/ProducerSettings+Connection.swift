// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
public import RunModel

/// How a connection becomes librdkafka's properties. The only place where a password is read.
extension ProducerSettings {
  /// The settings of `connection`, which is one to Kafka; the password is read now.
  ///
  /// - Parameter quarterings: how often the size of record batches is to be quartered.
  /// - Throws: ``KafkaError/passwordUnavailable(_:)``, ``KafkaError/authorityUnreadable(path:reason:)``.
  public init(_ connection: Connection, traffic: Traffic, quarterings: Int = 0) throws(KafkaError) {
    var properties = Self.base(window: connection.deliveryWindow, traffic: traffic)
    var secrets: [String] = []
    func add(_ name: String, _ value: String) { properties.append(Property(name: name, value: value)) }
    add("bootstrap.servers", connection.brokers.joined(separator: ","))
    if connection.isEventHubs { properties += Self.eventHubs }
    if connection.kind == .saslSSL {
      add("security.protocol", "sasl_ssl")
      // The default since librdkafka 2.0, set here for older ones.
      add("ssl.endpoint.identification.algorithm", "https")
      if let authority = connection.certificateAuthority {
        // The library's own words would not name the file.
        guard unsafe access(authority, R_OK) == 0 else {
          throw unsafe .authorityUnreadable(path: authority, reason: String(cString: strerror(errno)))
        }
        add("ssl.ca.location", authority)
      }
      if let authentication = connection.authentication {
        let password = try authentication.password.read()
        secrets.append(password.revealed)
        add("sasl.mechanisms", authentication.mechanism.rawValue)
        add("sasl.username", authentication.username)
        add("sasl.password", password.revealed)
      }
    }
    for property in connection.properties {
      add(property.name, property.value.revealed)
      if property.isSecret { secrets.append(property.value.revealed) }
    }
    if quarterings > 0 { add("batch.size", "\(Self.batchSize(properties) >> (2 * quarterings))") }
    let mechanism = connection.authentication?.mechanism
    self.init(
      topic: connection.topic, properties: properties, secrets: secrets,
      usesSCRAM: mechanism == .scramSHA256 || mechanism == .scramSHA512)
  }

  /// Bytes of the largest batches that a producer with these properties sends.
  private static func batchSize(_ properties: [Property]) -> Int {
    let limits = ["batch.size", "message.max.bytes"].map { name in
      properties.last { $0.name == name }.flatMap { Int($0.value) } ?? standardBatchSize
    }
    return limits.min() ?? standardBatchSize
  }

  /// librdkafka's default of both.
  private static let standardBatchSize = 1_000_000

  /// The settings that Azure Event Hubs requires of a librdkafka client
  /// (https://learn.microsoft.com/azure/event-hubs/apache-kafka-configurations): it closes connections that were idle
  /// for 240 s without a word, and knows neither idempotence nor compression in its smaller tiers.
  static let eventHubs = [
    Property(name: "enable.idempotence", value: "false"),
    Property(name: "compression.codec", value: "none"),
    Property(name: "socket.keepalive.enable", value: "true"),
    Property(name: "connections.max.idle.ms", value: "180000"),
    Property(name: "metadata.max.age.ms", value: "180000"),
    Property(name: "request.timeout.ms", value: "60000"),
    Property(name: "message.max.bytes", value: "1046528"),
  ]
}

extension Connection.PasswordSource {
  /// The password, read from where it is at this moment.
  ///
  /// - Throws: ``KafkaError/passwordUnavailable(_:)``, which names the place where it should have been.
  func read() throws(KafkaError) -> Secret {
    switch self {
    case .kept(let secret): return secret
    case .environment(let name):
      guard let value = unsafe getenv(name) else {
        throw .passwordUnavailable("the variable \(name) is not set; set it, or give the password another way")
      }
      guard let text = unsafe String(validatingCString: value) else {
        throw .passwordUnavailable("the variable \(name) is not UTF-8 text; set it to the password")
      }
      return Secret(text)
    case .file(let path): return try Self.read(file: path)
    }
  }

  private static func read(file path: String) throws(KafkaError) -> Secret {
    let file: Descriptor
    do throws(SystemError) {
      file = try Descriptor.open(path, flags: O_RDONLY | O_NONBLOCK, mode: 0)
    } catch {
      throw .passwordUnavailable("the password file \(path) cannot be opened (\(error)); give access to it")
    }
    // More than any password, and little enough to read a wrong file without harm.
    var text = ((try? file.readAll(limit: 65_536)) ?? [])[...]
    if text.last == UInt8(ascii: "\n") { text.removeLast() }
    if text.last == UInt8(ascii: "\r") { text.removeLast() }
    guard !text.isEmpty, let password = String(validating: text, as: UTF8.self) else {
      throw .passwordUnavailable("the password file \(path) is empty or not UTF-8 text; write the password into it")
    }
    return Secret(password)
  }
}
