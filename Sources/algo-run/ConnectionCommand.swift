// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Delivery
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run connection`: where payloads go. Its four words are files of their own but for the short ones.
enum ConnectionCommand: Subcommand {
  static let command = Command(
    name: "connection",
    abstract: "Set where payloads go: to a Kafka topic or to a file.",
    discussion: """
      A home has one connection. Without a connection, payloads are appended to the file insights.ndjson in the home.
      """,
    examples: [
      ("algo-run connection set --type plaintext --brokers localhost:9092 --topic insights", "a broker nearby"),
      ("algo-run connection test", "try every step up to an acknowledged record"),
      ("algo-run connection show", "the settings, without secrets"),
    ],
    subcommands: [
      ConnectionSetCommand.command,
      Command(
        name: "show", abstract: "Show the connection, without secrets.",
        discussion: """
          With --consumer it prints what a consumer of the topic needs, as librdkafka's properties: a file for \
          `kcat -F` and `algo-run-insights --config`.
          Exit status: 0 shown; 1 the state cannot be read, or --consumer with a file; 64 usage.
          """,
        examples: [
          ("algo-run connection show --json", "for scripts"),
          ("algo-run connection show --consumer > consumer.properties", "for those who read the topic"),
        ],
        options: [
          .flag("consumer", help: "Print the settings of a consumer of the topic."), SharedOptions.json,
          SharedOptions.home,
        ]),
      Command(
        name: "test", abstract: "Check every step from the broker's name to an acknowledged record, within 10 seconds.",
        discussion: """
          Steps: settings, resolve, tcp, tls, authentication, metadata, topic, produce. It ends at the first step that \
          fails, and prints the cause and a remedy. The record it produces has the header ce_type \
          algo-run.connection-test.v1, so that consumers can leave it out.
          Exit status: 0 payloads would be delivered; 1 a step failed; 64 usage.
          """,
        examples: [("algo-run connection test", "exit status 0 if payloads would be delivered")],
        options: [SharedOptions.json, SharedOptions.home]),
      Command(
        name: "remove", abstract: "Remove the connection: payloads go to the file in the home again.",
        discussion: "Exit status: 0 removed, or there was none; 1 the state cannot be written; 64 usage.",
        examples: [("algo-run connection remove", "pending payloads stay in the outbox")],
        options: [SharedOptions.home]),
    ])

  static func run(_ invocation: Invocation) throws -> Int32 {
    let home = try SharedOptions.home(invocation)
    switch invocation.commandPath.last {
    case "set": return try ConnectionSetCommand.run(invocation, home)
    case "show": return try show(invocation, home)
    case "test": return try test(invocation, home)
    default: return try remove(home)
    }
  }

  private static func show(_ invocation: Invocation, _ home: HomeDirectory) throws -> Int32 {
    let connection = try ConnectionStore(home: home).connection()
    let shown = connection ?? home.standardConnection
    let absence = SharedOptions.absence(of: home)
    if let absence {
      Message.print("\(absence), so no connection is set; payloads will go to the file in it, or check --home.")
    }
    if invocation.flag("consumer") {
      let settings = try ConsumerSettings(shown)
      let isWritten =
        invocation.flag("json") ? StandardOutput.write(settings.json) : StandardOutput.write(settings.text)
      return isWritten ? 0 : 1
    }
    if invocation.flag("json") {
      return StandardOutput.write(ConnectionText.json(shown, isSet: connection != nil)) ? 0 : 1
    }
    if connection == nil, absence == nil { Message.print("no connection is set; payloads go to the file in the home.") }
    return StandardOutput.write(Table.text(ConnectionText.rows(shown))) ? 0 : 1
  }

  private static func test(_ invocation: Invocation, _ home: HomeDirectory) throws -> Int32 {
    let stored = try ConnectionStore(home: home).connection()
    if stored == nil { try home.create() }
    let connection = stored ?? home.standardConnection
    let isJSON = invocation.flag("json")
    var results: [StageResult] = []
    func report(_ result: StageResult) {
      results.append(result)
      // Each line as its step ends: the next one may take seconds.
      if !isJSON { _ = StandardOutput.write(ConnectionText.line(result)) }
    }
    let isGood: Bool
    if connection.kind == .file {
      let result = testFile(connection.filePath ?? home.insightsFile)
      report(result)
      isGood = !result.hasFailed
    } else {
      isGood = ConnectionTest(connection).run(report)
    }
    if isJSON { _ = StandardOutput.write(ConnectionText.json(results)) }
    return isGood ? 0 : 1
  }

  private static func testFile(_ path: String) -> StageResult {
    let start = MonotonicInstant.now()
    let verdict: StageResult.Verdict
    let sink = FileSink(path: path)
    do throws(FileSinkError) {
      try sink.check()
      verdict = .passed(["\(path) takes lines", sink.foreignContent()].compactMap { $0 }.joined(separator: "; note: "))
    } catch {
      verdict = .failed(cause: Remedy.sentence(error), hint: "Payloads wait in the outbox until it can be written.")
    }
    return StageResult(stage: .file, verdict: verdict, time: MonotonicInstant.now() - start)
  }

  private static func remove(_ home: HomeDirectory) throws -> Int32 {
    guard try ConnectionStore(home: home).remove() else {
      Message.print("no connection is set; payloads go to \(home.insightsFile) already.")
      return 0
    }
    let waiting = try Outbox.existing(home: home)?.pendingCount() ?? 0
    Message.print(
      "the connection is removed; payloads go to \(home.insightsFile)."
        + (waiting > 0 ? " \(waiting) wait in the outbox; `algo-run outbox deliver` would append them to it." : ""))
    return 0
  }
}
