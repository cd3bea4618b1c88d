// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Delivery
internal import Glibc
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run connection set`: makes the connection, or changes the named settings of the present one.
enum ConnectionSetCommand {
  static let command = Command(
    name: "set",
    abstract: "Set the connection, or change the given settings of it.",
    discussion: """
      Settings that are not given stay as they are. Another --type, or a change to --event-hubs, clears brokers, topic, \
      properties and login, and keeps payload format, times, retention and --on-expiry. If librdkafka refuses a setting, \
      nothing is changed. A password in a file or variable is read each time it is used; a password from the prompt is \
      kept in the home, readable by this user alone.
      Exit status: 0 set; 1 refused by librdkafka, or the state cannot be written; 64 usage.
      """,
    examples: [
      (
        "algo-run connection set --type plaintext --brokers a:9092,b:9092 --topic insights",
        "Kafka in a trusted network"
      ),
      (
        "algo-run connection set --type sasl_ssl --brokers k:9093 --topic insights --mechanism SCRAM-SHA-512 "
          + "--username algo --password-file /run/secrets/kafka --ca ca.pem",
        "Kafka with TLS and a login"
      ),
      (
        "algo-run connection set --event-hubs --brokers NS.servicebus.windows.net --topic insights "
          + "--password-env EVENT_HUBS",
        "Azure Event Hubs; the password is the connection string"
      ),
      ("algo-run connection set --type file --path /var/log/insights.ndjson", "a file"),
      ("algo-run connection set --delivery-wait 500ms", "change one setting"),
    ],
    options: [
      .value(
        "type", "TYPE", completion: .choices(Connection.Kind.allCases.map(\.rawValue)),
        help: "plaintext, sasl_ssl (TLS and a login) or file."),
      .value("brokers", "HOST:PORT,…", help: "Bootstrap brokers; they report the others."),
      .value("topic", "TOPIC", help: "The Kafka topic."),
      .value("path", "FILE", completion: .file, help: "File for --type file (default: insights.ndjson in the home)."),
      .value(
        "mechanism", "NAME", completion: .choices(Connection.Authentication.Mechanism.allCases.map(\.rawValue)),
        help: "SASL mechanism."),
      .value("username", "NAME", help: "User name."),
      .value("password-file", "FILE", completion: .file, help: "File of the password, read each time it is used."),
      .value("password-env", "NAME", help: "Variable of the password, read each time it is used; no child gets it."),
      .flag("password-prompt", help: "Ask for the password and keep it (default without another source)."),
      .value(
        "ca", "FILE", completion: .file,
        help: "Certificate authority of the broker (PEM), copied (default: the system's roots)."),
      .flag("system-roots", help: "Remove a copied authority, and use the system's roots."),
      .flag("event-hubs", help: "Azure Event Hubs: PLAIN, user $ConnectionString, port 9093 and more."),
      .repeatable("X", "NAME=VALUE", help: "A librdkafka property; NAME= removes it."),
      .value(
        "payload-format", "FORMAT", completion: .choices(PayloadFormat.allCases.map(\.rawValue)),
        help: "standard, extended (also outcome, exit code, CPU, memory) or legacy (as the original service)."),
      .value("delivery-window", "D", help: "Time to attempt delivery of a payload (default: 4m)."),
      .value("delivery-wait", "D", help: "Time that exec waits for the acknowledgement (default: 2s)."),
      .value("retention", "D", help: "Time to keep undelivered payloads after their window (default: 7d)."),
      .value("retention-records", "N", help: "Maximum number of undelivered payloads to keep (default: 100000)."),
      .value(
        "on-expiry", "WHAT", completion: .choices(Connection.OnExpiry.allCases.map(\.rawValue)),
        help: "Keep or drop payloads whose window has ended (default: keep)."),
      SharedOptions.home,
    ])

  static func run(_ invocation: Invocation, _ home: HomeDirectory) throws -> Int32 {
    let store = ConnectionStore(home: home)
    let before = try store.connection()
    var connection = try ConnectionOptions.connection(invocation, changing: before, home)
    let authority = try invocation.value("ca").map { try AbsolutePath.of($0) }
    if let authority {
      try checkAuthority(authority)
      connection.certificateAuthority = authority
    }
    if invocation.flag("system-roots") { connection.certificateAuthority = nil }

    for note in try ConnectionCheck.check(connection) { Message.print("note: \(note).") }
    if connection.kind == .file, let path = connection.filePath {
      try OwnFiles.refuse(path, option: "--path", home)
      if let note = FileSink(path: path).foreignContent() { Message.print("note: \(note).") }
    }
    if let authority { connection.certificateAuthority = try store.copyCertificateAuthority(from: authority) }
    try store.set(connection)
    let target = connection.kind == .file ? connection.filePath ?? home.insightsFile : "topic \(connection.topic)"
    Message.print("payloads go to \(target) from now on; try it with: algo-run connection test.")
    let waiting = try Outbox.existing(home: home)?.pendingCount() ?? 0
    if waiting > 0 { Message.print("pending payloads go there too: \(waiting) in the outbox.") }
    if invocation.isGiven("payload-format") { reportReservedNames(of: connection.payloadFormat, home) }
    return 0
  }

  /// Lists the versions whose metrics were accepted until now and are rejected by a payload format.
  private static func reportReservedNames(of format: PayloadFormat, _ home: HomeDirectory) {
    do throws(StateError) {
      for (version, names) in try History.open(home: home).versions(reporting: format.furtherMembers) {
        Message.print(
          "note: \(version) reported \(names.joined(separator: ", ")); the payload format \(format.rawValue) reserves such "
            + "names and rejects these metrics, so rename them.")
      }
    } catch {
      Message.print(
        "note: the history cannot be searched for metrics that the payload format rejects: \(Remedy.sentence(error))")
    }
  }
}

extension ConnectionSetCommand {
  /// A bundle of all public authorities has a quarter of it.
  private static let mostAuthorityBytes = 1 << 20

  /// librdkafka would refuse it as well, in OpenSSL's words.
  private static func checkAuthority(_ path: String) throws {
    let shown = TerminalText.escaped(path, limit: 4096)
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Descriptor.open(path, flags: O_RDONLY | O_NOCTTY, mode: 0).readAll(limit: mostAuthorityBytes)
    } catch {
      throw CommandError(
        exitCode: 64, sentence: "the authority \"\(shown)\" cannot be read (\(error)); name a PEM file with --ca.")
    }
    // OpenSSL also takes "TRUSTED CERTIFICATE" and "X509 CERTIFICATE".
    guard String(decoding: bytes, as: UTF8.self).containsBytes(" CERTIFICATE-----") else {
      throw CommandError(
        exitCode: 64,
        sentence:
          "\"\(shown)\" holds no certificate in PEM form; convert it with: openssl x509 -inform der -in FILE -out "
          + "ca.pem.")
    }
  }
}
