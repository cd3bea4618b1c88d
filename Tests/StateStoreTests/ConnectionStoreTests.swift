// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

@Suite struct ConnectionStoreTests {
  let temporary: TemporaryHome
  let store: ConnectionStore

  init() throws {
    temporary = try TemporaryHome()
    store = ConnectionStore(home: temporary.home)
  }

  private var full: Connection {
    Connection(
      kind: .saslSSL, topic: "insights", brokers: ["a.example:9093", "[::1]:9093"],
      authentication: .init(mechanism: .scramSHA512, username: "ada", password: .kept(Secret("hunter2\n"))),
      certificateAuthority: temporary.home.certificateAuthority, isEventHubs: true,
      properties: [.init(name: "b", value: "1"), .init(name: "a", value: "x=y"), .init(name: "b", value: "")],
      payloadFormat: .legacy, deliveryWindow: .milliseconds(1500), deliveryWait: .zero,
      retention: .init(age: .seconds(60), records: 7), onExpiry: .drop)
  }

  @Test func `a home has no connection until one is set, and looking makes nothing`() throws {
    #expect(try store.connection() == nil)
    #expect(try !store.remove())
    #expect(temporary.names().isEmpty)
  }

  @Test func `another connection, and none, forget an outage of the brokers before`() throws {
    let outbox = try Outbox(home: temporary.home)
    let now = WallClock.now()
    for change in [{ try store.set(full) }, { _ = try store.remove() }] {
      try outbox.noteOutage(until: now + .seconds(9), error: "down", at: now)
      try change()
      #expect(try outbox.outage() == nil)
    }
  }

  @Test func `everything about a connection comes back as it was set`() throws {
    try store.set(full)
    #expect(try ConnectionStore(home: temporary.home).connection() == full)
    for password in [Connection.PasswordSource.file("/run/secret"), .environment("KAFKA_PASSWORD")] {
      var connection = full
      connection.authentication?.password = password
      try store.set(connection)
      #expect(try store.connection() == connection)
    }
    let file = Connection(kind: .file, filePath: "/var/log/insights.ndjson")
    try store.set(file)
    #expect(try store.connection() == file)
  }

  @Test func `a frequent reader sees immediately what another process set and removed`() throws {
    let asker = ConnectionStore(home: temporary.home)
    #expect(try asker.latest() == nil)
    for topic in ["a", "b", "c"] {
      var connection = full
      connection.topic = topic
      try store.set(connection)
      #expect(try asker.latest()?.topic == topic)
      #expect(try asker.latest()?.topic == topic)
    }
    try store.remove()
    #expect(try asker.latest() == nil)
    try asker.set(full)
    #expect(try asker.latest() == full)
  }

  @Test func `settings that are not given are as the contract presets them`() throws {
    let connection = Connection(kind: .plaintext, topic: "t", brokers: ["h:1"])
    #expect(connection.deliveryWindow == .seconds(240))
    #expect(connection.deliveryWait == .seconds(2))
    #expect(connection.retention == .init(age: .seconds(604_800), records: 100_000))
    #expect(connection.onExpiry == .keep)
    #expect(connection.payloadFormat == .standard)
  }

  @Test func `a removed connection is gone, and its password is no longer in any file`() throws {
    var connection = full
    connection.authentication?.password = .kept(Secret("correct-horse-battery"))
    try store.set(connection)
    #expect(try temporary.allBytes().range(of: Data("correct-horse-battery".utf8)) != nil)
    #expect(try store.remove())
    #expect(try store.connection() == nil)
    #expect(try temporary.allBytes().range(of: Data("correct-horse-battery".utf8)) == nil)
  }

  @Test func `a certificate authority is copied for the owner alone, and goes with its connection`() throws {
    let original = temporary.home.path + "-ca.pem"
    defer { try? FileManager.default.removeItem(atPath: original) }
    try Data("CERTIFICATE".utf8).write(to: URL(fileURLWithPath: original))
    var connection = full
    connection.certificateAuthority = try store.copyCertificateAuthority(from: original)
    try store.set(connection)
    #expect(connection.certificateAuthority == temporary.home.path + "/ca.pem")
    #expect(FileManager.default.contents(atPath: temporary.home.certificateAuthority) == Data("CERTIFICATE".utf8))
    #expect(try temporary.mode("ca.pem") == 0o600)
    #expect(temporary.names() == ["ca.pem", "state.db"])
    connection.certificateAuthority = nil
    try store.set(connection)
    #expect(temporary.names() == ["state.db"])
    #expect(throws: StateError.inaccessible(path: "/nowhere/ca.pem", errno: ENOENT)) {
      try store.copyCertificateAuthority(from: "/nowhere/ca.pem")
    }
  }

  @Test func `a setting that does not read as it should is named`() throws {
    try store.set(full)
    let path = temporary.home.stateDatabase
    for (setting, value) in [("kind", "carrier pigeon"), ("retention_records", "-1"), ("mechanism", "ROT13")] {
      try store.set(full)
      try temporary.tamper(path, "UPDATE connection_setting SET value = '\(value)' WHERE name = '\(setting)'")
      #expect(throws: StateError.unreadableConnection(path: path, setting: setting)) { try store.connection() }
    }
    try store.set(full)
    try temporary.tamper(path, "INSERT INTO connection_setting VALUES ('from_the_future', 0, 'x')")
    #expect(try store.connection() == full)
  }
}
