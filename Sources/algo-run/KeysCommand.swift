// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import JSONText
internal import RunModel
internal import StateStore

/// `algo-run keys`: the keys that the HTTP server accepts.
enum KeysCommand: Subcommand {
  private static let name = Argument("NAME", help: "Identifies the key: letters, digits, _ . and -, at most 64.")

  static let command = Command(
    name: "keys",
    abstract: "Create, list and revoke the keys of the HTTP API.",
    discussion: """
      Scopes include each other: call (calls, executions, reading versions), publish (also publishing versions and \
      switching Insights), admin (also the connection, the outbox and the keys).
      """,
    examples: [
      ("algo-run keys create ci --scope publish", "prints the key, once"),
      ("algo-run keys revoke ci", "refuse it from now on"),
    ],
    subcommands: [
      Command(
        name: "create", abstract: "Create a key and print it. Only its hash is kept, so it cannot be shown again.",
        discussion:
          "Exit status: 0 created; 1 the name is taken, the key cannot be printed, or the state cannot be written; 64 "
          + "usage.",
        examples: [("KEY=$(algo-run keys create app)", "a key for calls")],
        arguments: [name],
        options: [
          .value(
            "scope", "SCOPE", default: KeyScope.call.rawValue,
            completion: .choices(KeyScope.allCases.map(\.rawValue)), help: "The rights of the key."),
          SharedOptions.home,
        ]),
      Command(
        name: "list", abstract: "List the keys: name, scope and date.",
        discussion: "Exit status: 0 listed; 1 the state cannot be read; 64 usage.",
        examples: [("algo-run keys list --json", "for programs")],
        options: [SharedOptions.json, SharedOptions.home]),
      Command(
        name: "revoke", abstract: "Remove a key. A running server refuses it at once.",
        discussion: "Exit status: 0 removed; 1 there is no such key, or the state cannot be written; 64 usage.",
        examples: [("algo-run keys revoke app", "remove one")],
        arguments: [name], options: [SharedOptions.home]),
    ])

  static func run(_ invocation: Invocation) throws -> Int32 {
    let store = KeyStore(home: try SharedOptions.home(invocation))
    switch invocation.commandPath.last {
    case "create":
      let name = invocation.argument("NAME") ?? ""
      guard APIKey.isValidName(name) else {
        throw invocation.invalid("NAME", value: name, expected: "at most 64 letters, digits, _ . and -")
      }
      let scope = KeyScope(rawValue: invocation.value("scope") ?? "") ?? .call
      let key = try store.create(name, scope: scope)
      guard StandardOutput.write("\(key.revealed)\n") else {
        try store.revoke(name)
        Message.print("the key \(name) could not be printed, so it is removed again; create it once more.")
        return 1
      }
      Message.print("created the key \(name) with scope \(scope.rawValue); keep it now, it cannot be shown again.")
      return 0
    case "revoke":
      let name = invocation.argument("NAME") ?? ""
      try store.revoke(name)
      Message.print("revoked the key \(TerminalText.escaped(name)).")
      return 0
    default:
      return try list(store, asJSON: invocation.flag("json"))
    }
  }

  private static func list(_ store: KeyStore, asJSON: Bool) throws -> Int32 {
    let keys = try store.keys()
    if asJSON {
      var json = JSONWriter()
      json.beginArray()
      for key in keys {
        json.beginObject()
        json.member("name", key.name)
        json.member("scope", key.scope.rawValue)
        json.member("created_at", key.createdAt.description)
        json.endObject()
      }
      json.endArray()
      return StandardOutput.write(json.bytes + [UInt8(ascii: "\n")]) ? 0 : 1
    }
    guard !keys.isEmpty else {
      Message.print("there are no keys; create one with: algo-run keys create NAME.")
      return 0
    }
    let rows = keys.map { [$0.name, $0.scope.rawValue, String($0.createdAt.description.prefix(19)) + "Z"] }
    return StandardOutput.write(Table.text([["NAME", "SCOPE", "CREATED"]] + rows)) ? 0 : 1
  }
}
