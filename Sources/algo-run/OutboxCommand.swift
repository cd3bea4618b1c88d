// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Glibc
internal import RunModel
internal import StateStore

/// `algo-run outbox`: payloads that are not delivered yet, or were given up.
enum OutboxCommand: Subcommand {
  static let command = Command(
    name: "outbox",
    abstract: "Show, deliver, retry and remove undelivered payloads.",
    discussion: """
      States: pending (delivery is attempted until its window ends), expired (the window ended), rejected (the broker \
      can never accept it), corrupt (it is damaged).
      """,
    examples: [
      ("algo-run outbox status", "how many wait, since when, and why"),
      ("algo-run outbox deliver", "deliver all that waits, then end"),
      ("algo-run outbox deliver --follow", "the service for a host that wants the full window, whatever runs"),
    ],
    subcommands: [
      Command(
        name: "status", abstract: "Count payloads by state, and show a known outage of the broker.",
        discussion: "Exit status: 0 on success, even if payloads are pending; 1 the outbox cannot be read; 64 usage.",
        examples: [("algo-run outbox status --json | jq .pending", "for monitoring")],
        options: [SharedOptions.json, SharedOptions.home]),
      Command(
        name: "list", abstract: "List undelivered payloads, oldest first.",
        discussion: "Exit status: 0 listed; 1 the outbox cannot be read; 64 usage.",
        examples: [("algo-run outbox list --state expired --limit 20", "the 20 oldest that expired")],
        options: [
          stateOption("Only payloads in this state."),
          .value("limit", "N", default: "100", help: "Maximum number to list."),
          .value("after", "ID", default: "0", help: "Only payloads after this ID, the last of the page before."),
          SharedOptions.json, SharedOptions.home,
        ]),
      Command(
        name: "deliver", abstract: "Deliver pending payloads, then end; with --follow, continue until stopped.",
        discussion: """
          Without --follow it ends when no payload is pending. With --follow it ends by SIGTERM or SIGINT; pending \
          payloads stay in the outbox.
          Exit status: 0 all was delivered, or --follow was ended; 1 a payload expired, was dropped, was rejected or is \
          still pending; 130 interrupted (SIGINT, without --follow); 64 usage.
          """,
        examples: [("algo-run outbox deliver --follow", "as the unit in contrib/ does")],
        options: [.flag("follow", help: "Continue, and deliver payloads as they arrive."), SharedOptions.home]),
      Command(
        name: "retry", abstract: "Make expired and rejected payloads pending again, with a new window.",
        discussion: "Exit status: 0 done; 1 one of the IDs could not be retried; 64 usage.",
        examples: [
          ("algo-run outbox retry --all && algo-run outbox deliver", "after a long outage"),
          ("algo-run outbox retry 17 18", "two payloads"),
        ],
        arguments: [Argument("ID", arity: .repeating, help: "The ID that `outbox list` shows.")],
        options: [
          .flag("all", help: "All expired and rejected payloads."),
          stateOption("All payloads in this state: expired or rejected."),
          SharedOptions.home,
        ]),
      Command(
        name: "purge", abstract: "Remove payloads permanently.",
        discussion: "Exit status: 0 done; 1 one of the IDs could not be removed; 64 usage.",
        examples: [
          ("algo-run outbox purge --state expired", "expired payloads"),
          ("algo-run outbox purge 17", "one, whatever its state"),
        ],
        arguments: [Argument("ID", arity: .repeating, help: "The ID that `outbox list` shows.")],
        options: [
          .flag("all", help: "All expired, rejected and corrupt payloads; no pending ones."),
          stateOption("All payloads in this state, even pending."), SharedOptions.home,
        ]),
    ])

  private static func stateOption(_ help: String) -> Option {
    .repeatable("state", "STATE", completion: .choices(OutboxState.allCases.map(\.name)), help: help)
  }

  static func run(_ invocation: Invocation) throws -> Int32 {
    let home = try SharedOptions.home(invocation)
    if invocation.commandPath.last == "deliver" { return try OutboxDeliverCommand.run(invocation, home) }
    // Looking at an outbox that was never needed makes none.
    let outbox = try Outbox.existing(home: home)
    let absence = SharedOptions.absence(of: home)
    if let absence { Message.print("\(absence), so no payload waits there; check --home.") }
    switch invocation.commandPath.last {
    case "status": return try status(invocation, outbox, home)
    case "list": return try list(invocation, outbox, isReportedEmpty: absence != nil)
    case "retry": return try OutboxAdminCommand.retry(invocation, outbox, home)
    default: return try OutboxAdminCommand.purge(invocation, outbox)
    }
  }

  private static func status(_ invocation: Invocation, _ outbox: Outbox?, _ home: HomeDirectory) throws -> Int32 {
    var status = try outbox?.status() ?? OutboxStatus()
    status.inFallback = try FallbackFile.count(in: home)
    let outage = try outbox?.outage()
    let text =
      invocation.flag("json")
      ? OutboxText.json(status, outage) : Array(Table.text(OutboxText.rows(status, outage)).utf8)
    return StandardOutput.write(text) ? 0 : 1
  }

  private static func list(_ invocation: Invocation, _ outbox: Outbox?, isReportedEmpty: Bool) throws -> Int32 {
    let limit = try number(invocation, "limit")
    let after = try number(invocation, "after")
    let chosen = states(invocation)
    let records =
      try outbox?.list(
        states: chosen.isEmpty ? OutboxState.allCases : chosen, after: after, limit: Int(clamping: limit)) ?? []
    if let last = records.last, records.count == limit {
      Message.print("there may be more; go on with: --after \(last.id).")
    }
    if invocation.flag("json") { return StandardOutput.write(OutboxText.json(records)) ? 0 : 1 }
    guard !records.isEmpty else {
      if !isReportedEmpty {
        Message.print(chosen.isEmpty ? "the outbox is empty." : "no such payload is in the outbox.")
      }
      return 0
    }
    return StandardOutput.write(Table.text(OutboxText.rows(records))) ? 0 : 1
  }

  /// Those named by `--state`.
  static func states(_ invocation: Invocation) -> [OutboxState] {
    invocation.values("state").compactMap { OutboxState(name: $0) }
  }

  private static func number(_ invocation: Invocation, _ option: String) throws -> Int64 {
    let text = invocation.value(option) ?? ""
    guard let number = Int64(text), number >= 0 else {
      throw invocation.invalid(option, value: text, expected: "a whole number")
    }
    return number
  }
}
