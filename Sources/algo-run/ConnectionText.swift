// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import KafkaClient
internal import RunModel

/// How a connection and its test are shown. Secrets are left out here and nowhere later.
enum ConnectionText {
  /// Names and values, one row each.
  static func rows(_ connection: Connection) -> [[String]] {
    var rows = [["type", connection.kind.rawValue]]
    func add(_ name: String, _ value: String?) {
      if let value { rows.append([name, TerminalText.escaped(value, limit: 4096, inQuotes: false)]) }
    }
    add("path", connection.filePath)
    if connection.kind != .file {
      add("brokers", connection.brokers.joined(separator: ","))
      add("topic", connection.topic)
    }
    if connection.isEventHubs { add("event hubs", "yes") }
    if let authentication = connection.authentication {
      add("mechanism", authentication.mechanism.rawValue)
      add("username", authentication.username)
      add("password", password(authentication.password))
    }
    if connection.kind == .saslSSL { add("authority", connection.certificateAuthority ?? "the system's roots") }
    for property in connection.properties { add("property", "\(property)") }
    add("payload format", connection.payloadFormat.rawValue)
    add("delivery window", DurationText.format(connection.deliveryWindow))
    add("delivery wait", DurationText.format(connection.deliveryWait))
    add("retention", "\(DurationText.format(connection.retention.age)), \(connection.retention.records) records")
    add("on expiry", connection.onExpiry.rawValue)
    return rows
  }

  /// Where a password is; never the password.
  static func password(_ source: Connection.PasswordSource) -> String {
    switch source {
    case .file(let path): "read from the file \(path)"
    case .environment(let name): "read from the variable \(name)"
    case .kept(let secret): "\(secret)"
    }
  }

  /// One object; `is_set` is false for the default file, used if no connection is set.
  static func json(_ connection: Connection, isSet: Bool) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.name("is_set")
    json.boolean(isSet)
    json.member("type", connection.kind.rawValue)
    json.member("path", orNull: connection.filePath)
    json.name("brokers")
    json.beginArray()
    for broker in connection.brokers { json.string(broker) }
    json.endArray()
    json.member("topic", orNull: connection.kind == .file ? nil : connection.topic)
    json.name("event_hubs")
    json.boolean(connection.isEventHubs)
    let authentication = connection.authentication
    json.member("mechanism", orNull: authentication?.mechanism.rawValue)
    json.member("username", orNull: authentication?.username)
    json.member("password", orNull: authentication.map { password($0.password) })
    json.member("certificate_authority", orNull: connection.certificateAuthority)
    json.name("properties")
    json.beginObject()
    for property in connection.properties {
      json.member(property.name, property.isSecret ? Secret.redacted : property.value.revealed)
    }
    json.endObject()
    json.member("payload_format", connection.payloadFormat.rawValue)
    json.member("delivery_window", DurationText.format(connection.deliveryWindow))
    json.member("delivery_wait", DurationText.format(connection.deliveryWait))
    json.member("retention", DurationText.format(connection.retention.age))
    json.member("retention_records", integer: connection.retention.records)
    json.member("on_expiry", connection.onExpiry.rawValue)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// A step and its verdict, with the hint below it.
  static func line(_ result: StageResult) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let time =
      String(repeating: " ", count: max(0, 9 - result.time.millisecondsText.count))
      + result.time.millisecondsText + " ms  "
    let stage = padded(result.stage.rawValue, 16)
    switch result.verdict {
    case .passed(let detail): return "\(stage)ok      \(time)\(shown(detail))\n"
    case .skipped(let reason): return "\(stage)skipped \(time)\(shown(reason))\n"
    case .failed, .refused:
      let (cause, hint) = failure(result.verdict)
      return "\(stage)FAILED  \(time)\(shown(cause))\n\(padded("", 16))hint: \(shown(hint))\n"
    }
  }

  private static func failure(_ verdict: StageResult.Verdict) -> (cause: String, hint: String) {
    switch verdict {
    case .failed(let cause, let hint, _): (cause, hint)
    case .refused(let error): (Remedy.sentence(error), "Nothing was sent to the broker.")
    case .passed, .skipped: ("", "")
    }
  }

  /// An array of steps.
  static func json(_ results: [StageResult]) -> [UInt8] {
    var json = JSONWriter()
    json.beginArray()
    for result in results {
      json.beginObject()
      json.member("stage", result.stage.rawValue)
      switch result.verdict {
      case .passed(let detail):
        json.member("verdict", "passed")
        json.member("detail", detail)
      case .skipped(let reason):
        json.member("verdict", "skipped")
        json.member("detail", reason)
      case .failed, .refused:
        let (cause, hint) = failure(result.verdict)
        json.member("verdict", "failed")
        json.member("detail", cause)
        json.member("hint", hint)
      }
      json.member("milliseconds", number: result.time.millisecondsText)
      json.endObject()
    }
    json.endArray()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Text from a broker, made safe for a terminal.
  private static func shown(_ text: String) -> String { TerminalText.escaped(text, limit: 2000, inQuotes: false) }
}
