// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@Suite struct SecretTests {
  private let word = "correct-horse"

  /// Everything that Swift makes of a value by itself.
  private func allTexts(of value: Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    return [
      "\(value)", String(describing: value), String(reflecting: value), dumped, "\([value])",
      "\(Optional(value) as Any)",
    ]
  }

  @Test func `a secret shows itself in no description, alone or within others`() {
    let secret = Secret(word)
    let connection = Connection(
      kind: .saslSSL, topic: "t", brokers: ["h:1"],
      authentication: .init(mechanism: .plain, username: "u", password: .kept(secret)),
      properties: [.init(name: "ssl.key.password", value: word), .init(name: "linger.ms", value: "5")])
    for value in [secret, connection, connection.authentication as Any, connection.properties] as [Any] {
      for text in allTexts(of: value) {
        #expect(!text.contains(word))
        #expect(text.contains("redacted"))
      }
    }
    #expect(secret.description == "<redacted>")
    #expect(secret.debugDescription == "<redacted>")
    #expect(secret.customMirror.children.isEmpty)
    #expect(secret.revealed == word)
  }

  @Test func `a property is shown unless its name is one that holds a secret`() {
    for name in [
      "sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret",
      "sasl.oauthbearer.config", "SASL.PASSWORD", "sasl.oauthbearer.assertion.private.key.passphrase",
      "sasl.oauthbearer.assertion.private.key.pem", "ssl_key",
    ] {
      #expect(Connection.Property(name: name, value: word).description == "\(name)=<redacted>")
    }
    #expect(Connection.Property(name: "linger.ms", value: "5").description == "linger.ms=5")
    #expect(Connection.Property(parsing: "a=b=c")?.value.revealed == "b=c")
    #expect(Connection.Property(parsing: "=b") == nil)
    #expect(Connection.Property(parsing: "ab") == nil)
  }
}
