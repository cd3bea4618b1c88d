// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Glibc
internal import Platform
internal import RunModel

/// The program: reads the command line, runs one subcommand, ends with its status. Each subcommand is a file of its
/// own; this module composes the others and nothing imports it.
@main
struct AlgoRun {
  /// The subcommands, in the order help lists them.
  static let subcommands: [(name: String, type: any Subcommand.Type)] = [
    ("exec", ExecCommand.self), ("batch", BatchCommand.self), ("publish", PublishCommand.self),
    ("versions", VersionsCommand.self), ("insights", InsightsCommand.self), ("connection", ConnectionCommand.self),
    ("outbox", OutboxCommand.self), ("check", CheckCommand.self), ("runs", RunsCommand.self),
    ("compare", CompareCommand.self), ("keys", KeysCommand.self), ("serve", ServeCommand.self),
    ("consume", ConsumeCommand.self),
  ]

  static func main() {
    WriteSignals.blockSizeLimit()
    let words = ProcessArguments.words()
    // Not exit: threads of a broker's library may still run, and waiting for them at exit can take seconds.
    _exit(run(words))
  }

  private static func run(_ words: [[UInt8]]) -> Int32 {
    // Help and status 0 would be the answer to an empty command line; this is none. Linux passes one empty word if a
    // caller passes nothing at all.
    guard words.contains(where: { !$0.isEmpty }) else {
      Message.print("the caller passed no command line, not even the program's name; pass both.")
      return 125
    }
    return run(words.dropFirst().map { String(decoding: $0, as: UTF8.self) })
  }

  private static func run(_ arguments: [String]) -> Int32 {
    // Where the first word names a subcommand, the others are not described: that would be half a millisecond of every
    // `exec`.
    let named = subcommands.first { $0.name == arguments.first }
    let root = Command(
      name: "algo-run",
      abstract: "Runs an algorithm and turns every execution into one Insights payload.",
      discussion: """
        Wraps any command: its streams and its exit status stay as they are. Metrics that the algorithm reports are \
        merged with measurements of its process, and published if that version has Insights enabled.
        """,
      examples: [
        ("algo-run publish demo/iris --insights -- python3 iris.py", "register version 1.0.0, with Insights"),
        ("algo-run exec demo/iris --input flower.json", "run it once; its payload goes to the connection"),
        ("algo-run exec --report report.json -- python3 iris.py", "try metrics without publishing anything"),
      ],
      subcommands: (named.map { [$0] } ?? subcommands).map { $0.type.command })
    do {
      switch try CommandParser(root: root, version: Version.number).parse(arguments) {
      case .print(let text):
        return StandardOutput.write(text) ? 0 : 1
      case .version:
        return StandardOutput.write(Version.text) ? 0 : 1
      case .manual(let pages, let folder):
        for page in pages { try write(page, to: folder) }
        return 0
      case .complete(let completion):
        return StandardOutput.write(
          completion.lines { ReferenceCompletion.offers(home: $0["home"]) }.map { "\($0)\n" }.joined()) ? 0 : 1
      case .run(let invocation):
        let name = invocation.commandPath.first
        guard let subcommand = subcommands.first(where: { $0.name == name }) else { return 64 }
        try CommandWords.refuseBytes(before: invocation.commandLine?.count ?? 0)
        return try subcommand.type.run(invocation)
      }
    } catch let error as UsageError {
      Message.print(TerminalText.escaped("\(error)", limit: .max, inQuotes: false))
      return 64
    } catch let error as CommandError {
      Message.print(error.sentence)
      return error.exitCode
    } catch {
      let sentence = Remedy.sentence(error)
      Message.print(sentence.hasSuffix(".") ? sentence : "\(sentence).")
      return 1
    }
  }
}

extension AlgoRun {
  private static func write(_ page: ManualPage, to folder: String) throws(CommandError) {
    let path = "\(folder)/\(page.file)"
    do throws(SystemError) {
      try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o666).writeAll(Array(page.text.utf8))
    } catch {
      throw CommandError(
        exitCode: 1,
        sentence: "cannot write \(TerminalText.escaped(path)): \(error); name a folder that can be written.")
    }
  }
}
