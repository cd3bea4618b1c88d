// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Checks of a connection that need no broker, for `connection set`.
public enum ConnectionCheck {
  /// Hands the connection to librdkafka, which takes or refuses it immediately; nothing is sent.
  ///
  /// - Returns: warnings, a sentence each.
  /// - Throws: ``KafkaError``: the library is missing, or refuses a CA file, a mechanism, a property.
  public static func check(_ connection: Connection) throws(KafkaError) -> [String] {
    guard connection.kind != .file else { return [] }
    var checked = connection
    var notes: [String] = []
    if let password = connection.authentication?.password {
      do throws(KafkaError) {
        _ = try password.read()
      } catch {
        // It is only a reference, read when it is used: the place may be filled later.
        notes.append("the password cannot be read now: \(error)")
        checked.authentication?.password = .kept(Secret("unknown yet"))
      }
    }
    let settings = try ProducerSettings(checked, traffic: .single)
    try KafkaProducer(settings, warmsUp: false, certificates: nil).close()
    if settings.usesSCRAM, let limit = KafkaLibrary.limitOfSCRAM { notes.append(limit) }
    return notes
  }

  /// Why `name` cannot be a property given by `-X`, or nil if it can: algo-run sets some itself.
  public static func problem(withProperty name: String, of kind: Connection.Kind) -> String? {
    switch name {
    case "bootstrap.servers", "metadata.broker.list": "name the brokers with --brokers"
    case "sasl.username": "name the user with --username"
    case "sasl.password": "give the password with --password-file, --password-env or at the prompt"
    case "sasl.mechanism", "sasl.mechanisms": "choose the mechanism with --mechanism"
    case "ssl.ca.location", "ssl.ca.pem": "give the authority with --ca"
    // With plaintext it can ask for more than that; with sasl_ssl only for less.
    case "security.protocol" where kind != .plaintext: "the type implies it; choose one with --type"
    case "delivery.report.only.error": "acknowledgements would be lost"
    case "transactional.id": "each payload stands for itself"
    case "acks", "request.required.acks": "a payload counts as delivered when all in-sync replicas have it"
    case "message.timeout.ms", "delivery.timeout.ms": "set the time with --delivery-window"
    default: nil
    }
  }

  /// Why `name` cannot be a topic's name, or nil if it can.
  public static func problem(withTopic name: String) -> String? {
    let isLegal = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isLegal, (1...249).contains(name.utf8.count), name != ".", name != ".." else {
      return "1 to 249 letters, digits, . _ -"
    }
    return nil
  }
}
