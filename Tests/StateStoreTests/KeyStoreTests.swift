// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@testable import StateStore

@Suite struct KeyStoreTests {
  let temporary: TemporaryHome

  init() throws { temporary = try TemporaryHome() }

  @Test func `a key is accepted with its scope and every other text is refused`() throws {
    let store = KeyStore(home: temporary.home)
    #expect(try store.key("ak-none") == nil)
    let text = try store.create("app", scope: .publish).revealed
    _ = try store.create("other", scope: .call)
    #expect(try store.key(text)?.name == "app")
    #expect(try store.key(text)?.scope == .publish)
    for wrong in ["", text.dropLast() + "", text + "0", text.uppercased(), "app"] {
      #expect(try store.key(wrong) == nil)
    }
  }

  @Test func `a store that is open sees keys that another process creates and revokes`() throws {
    let (server, command) = (KeyStore(home: temporary.home), KeyStore(home: temporary.home))
    let first = try command.create("first", scope: .call).revealed
    #expect(try server.key(first) != nil)
    let second = try command.create("second", scope: .call).revealed
    #expect(try server.key(second) != nil)
    try command.revoke("first")
    #expect(try server.key(first) == nil)
    try server.revoke("second")
    #expect(try server.key(second) == nil)
  }

  @Test func `a larger scope includes the smaller ones`() {
    #expect(KeyScope.call < .publish && KeyScope.publish < .admin)
  }
}
