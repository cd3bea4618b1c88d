// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// A connection as named settings, each a list of texts, as the database holds them.
///
/// A setting that is not stored has its preset, and one that is not known is left alone, so a connection stored by
/// another algo-run stays readable as far as it can.
struct ConnectionSettings {
  /// Values by name.
  private(set) var values: [String: [String]] = [:]
  /// The first setting that did not read as it should.
  private(set) var firstUnreadable: String?

  /// Nothing stored.
  init() {}

  /// Whether nothing is stored.
  var isEmpty: Bool { values.isEmpty }

  /// Takes the next value of a setting.
  mutating func append(_ name: String, _ value: String) { values[name, default: []].append(value) }

  /// The settings of a connection.
  init(_ connection: Connection) {
    values["kind"] = [connection.kind.rawValue]
    values["topic"] = [connection.topic]
    values["broker"] = connection.brokers
    values["file"] = connection.filePath.map { [$0] }
    values["certificate_authority"] = connection.certificateAuthority.map { [$0] }
    values["event_hubs"] = connection.isEventHubs ? ["yes"] : nil
    values["property"] = connection.properties.map { "\($0.name)=\($0.value.revealed)" }
    values["payload_format"] = [connection.payloadFormat.rawValue]
    values["delivery_window_microseconds"] = ["\(connection.deliveryWindow.wholeMicroseconds)"]
    values["delivery_wait_microseconds"] = ["\(connection.deliveryWait.wholeMicroseconds)"]
    values["retention_age_microseconds"] = ["\(connection.retention.age.wholeMicroseconds)"]
    values["retention_records"] = ["\(connection.retention.records)"]
    values["on_expiry"] = [connection.onExpiry.rawValue]
    guard let authentication = connection.authentication else { return }
    values["mechanism"] = [authentication.mechanism.rawValue]
    values["username"] = [authentication.username]
    switch authentication.password {
    case .file(let path): values["password_file"] = [path]
    case .environment(let name): values["password_environment"] = [name]
    case .kept(let secret): values["password_kept"] = [secret.revealed]
    }
  }

  /// The text of a setting; nil if it is not stored.
  func text(_ name: String) -> String? { values[name]?.first }

  /// A setting that is one of some words. Nil if it is not stored, or is another word, which is noted.
  mutating func word<Word: RawRepresentable>(_ name: String) -> Word? where Word.RawValue == String {
    guard let text = text(name) else { return nil }
    let word = Word(rawValue: text)
    if word == nil { note(name) }
    return word
  }

  /// A setting that is a whole number of at least 0. Nil if it is not stored, or is another text, which is noted.
  mutating func number(_ name: String) -> Int64? {
    guard let text = text(name) else { return nil }
    guard let number = Int64(text), number >= 0 else {
      note(name)
      return nil
    }
    return number
  }

  /// Notes that a setting does not read as it should.
  mutating func note(_ name: String) { firstUnreadable = firstUnreadable ?? name }
}

extension Connection {
  /// The connection that some settings describe; nil if one of them, which they note, cannot be understood.
  init?(_ settings: inout ConnectionSettings) {
    guard let kind: Kind = settings.word("kind") else {
      settings.note("kind")
      return nil
    }
    self.init(kind: kind)
    topic = settings.text("topic") ?? ""
    brokers = settings.values["broker"] ?? []
    filePath = settings.text("file")
    certificateAuthority = settings.text("certificate_authority")
    isEventHubs = settings.text("event_hubs") == "yes"
    for text in settings.values["property"] ?? [] {
      guard let property = Property(parsing: text) else {
        settings.note("property")
        continue
      }
      properties.append(property)
    }
    payloadFormat = settings.word("payload_format") ?? payloadFormat
    deliveryWindow = settings.number("delivery_window_microseconds").map { .microseconds($0) } ?? deliveryWindow
    deliveryWait = settings.number("delivery_wait_microseconds").map { .microseconds($0) } ?? deliveryWait
    retention.age = settings.number("retention_age_microseconds").map { .microseconds($0) } ?? retention.age
    retention.records = settings.number("retention_records").map { Int($0) } ?? retention.records
    onExpiry = settings.word("on_expiry") ?? onExpiry
    if let mechanism: Authentication.Mechanism = settings.word("mechanism") {
      let password: PasswordSource? =
        settings.text("password_file").map { .file($0) }
        ?? settings.text("password_environment").map { .environment($0) }
        ?? settings.text("password_kept").map { .kept(Secret($0)) }
      if let password {
        authentication = Authentication(
          mechanism: mechanism, username: settings.text("username") ?? "", password: password)
      } else {
        settings.note("password")
      }
    }
    guard settings.firstUnreadable == nil else { return nil }
  }
}
