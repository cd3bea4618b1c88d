// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import RunModel
internal import StateStore

/// `algo-run outbox retry|purge`: operations on payloads that were given up.
enum OutboxAdminCommand {
  /// Numbers that are listed; the others are counted.
  private static let listedNumbers = 20

  static func retry(_ invocation: Invocation, _ outbox: Outbox?, _ home: HomeDirectory) throws -> Int32 {
    let selection = try selection(invocation, all: [.expired, .rejected], byNumber: [.expired, .rejected])
    let window = try ConnectionStore(home: home).connection()?.deliveryWindow ?? Connection.standardDeliveryWindow
    // Looked up before: afterwards those that were retried are pending as well.
    let states = try outbox?.states(of: selection.ids ?? []) ?? [:]
    let count = try outbox?.retry(selection, window: window) ?? 0
    let left = (selection.ids ?? []).compactMap { id -> String? in
      switch states[id] {
      case nil: "\(id) (not in the outbox)"
      case .pending: "\(id) (pending already)"
      case .corrupt: "\(id) (corrupt: it is damaged)"
      case .some(let state): selection.states.contains(state) ? nil : "\(id) (\(state.name))"
      }
    }
    if count > 0 || left.isEmpty {
      Message.print(
        "\(count) payload(s) are pending again, for \(DurationText.format(window))"
          + (count > 0 ? "; deliver them with: algo-run outbox deliver." : "."))
    }
    return printLeft(left, "not retried")
  }

  static func purge(_ invocation: Invocation, _ outbox: Outbox?) throws -> Int32 {
    let selection = try selection(invocation, all: [.expired, .rejected, .corrupt], byNumber: OutboxState.allCases)
    let before = try outbox?.states(of: selection.ids ?? []) ?? [:]
    let count = try outbox?.purge(selection) ?? 0
    let after = try outbox?.states(of: selection.ids ?? []) ?? [:]
    let left = (selection.ids ?? []).compactMap { id -> String? in
      guard before[id] != nil else { return "\(id) (not in the outbox)" }
      guard let state = after[id] else { return nil }
      return selection.states.contains(state) ? "\(id) (being delivered)" : "\(id) (\(state.name))"
    }
    if count > 0 || left.isEmpty { Message.print("\(count) payload(s) removed.") }
    return printLeft(left, "not removed")
  }

  /// Reports the given numbers of records that were not changed.
  ///
  /// - Returns: The exit status.
  private static func printLeft(_ left: [String], _ what: String) -> Int32 {
    guard !left.isEmpty else { return 0 }
    let more = left.count > listedNumbers ? " and \(left.count - listedNumbers) more" : ""
    let listed = left.prefix(listedNumbers).joined(separator: ", ")
    Message.print("\(what): \(listed)\(more); list them with: algo-run outbox list.")
    return 1
  }

  /// Numbers, states or all: one of them, because removing needs no guesses. Each number counts once.
  private static func selection(
    _ invocation: Invocation, all: [OutboxState], byNumber: [OutboxState]
  ) throws -> OutboxSelection {
    let chosen = OutboxCommand.states(invocation)
    var known: Set<Int64> = []
    let ids = try invocation.arguments("ID").map { text in
      guard let id = Int64(text), id > 0 else {
        throw invocation.invalid("ID", value: text, expected: "an ID that `outbox list` shows")
      }
      return id
    }.filter { known.insert($0).inserted }
    if invocation.flag("all"), !chosen.isEmpty { throw invocation.conflict("--all", "--state") }
    if invocation.flag("all"), !ids.isEmpty { throw invocation.conflict("--all", "ID") }
    if !ids.isEmpty { return OutboxSelection(states: chosen.isEmpty ? byNumber : chosen, ids: ids) }
    if !chosen.isEmpty { return OutboxSelection(states: chosen) }
    guard invocation.flag("all") else { throw invocation.missing("ID, --state or --all") }
    return OutboxSelection(states: all)
  }
}
