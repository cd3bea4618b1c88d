// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Comparison
internal import ExecutionFiles
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run compare`: whether two versions, periods or files of executions differ.
enum CompareCommand: Subcommand {
  static let command = Command(
    name: "compare",
    abstract: "Compare the metrics of two versions: what changed, by how much, how surely.",
    discussion: """
      A and B are versions (OWNER/NAME/1.0.6; the latest that matches), or periods of one \
      (OWNER/NAME@-14d..-7d), taken from the history of the home. With --from they are looked for in files of payloads, \
      reports or batch results; without A and B the first file is A and the second is B.
      A metric drifts if its effect is large (a distance of 0.1, or in pairs a tenth of a standard deviation) and the \
      evidence is strong (p < alpha after Holm's correction). If both sides ran the same inputs, executions are compared \
      input by input.
      Exit status: 0 no drift, all gates kept; 1 drift or a broken gate; 3 nothing could be judged; 125 the executions \
      cannot be read; 64 usage.
      """,
    examples: [
      ("algo-run compare demo/credit/1.0.6 demo/credit/1.1.0", "two versions"),
      ("algo-run compare demo/credit@-14d..-7d demo/credit@-7d..", "this week and the week before"),
      ("algo-run compare --from old.ndjson --from new.ndjson --markdown", "two files, for a pull request"),
      ("algo-run compare --from topic demo/credit/1.0.6 demo/credit", "payloads of all machines"),
      ("algo-run compare --from all.ndjson a/b/1.0.0 a/b/1.1.0 --gate '@duration:p95<+20%'", "with a gate on time"),
    ],
    arguments: [
      Argument("A", arity: .optional, completion: .reference, help: "The known good version: REF or REF@FROM..TO."),
      Argument("B", arity: .optional, completion: .reference, help: "The version in question."),
    ],
    options: [
      .repeatable(
        "from", "SOURCE", completion: .file,
        help:
          "Read executions from this file of lines instead of the history: - for stdin, topic for the connection's topic, "
          + "from its beginning to its end."),
      .invertible("paired", help: "Compare input by input (default: if both sides ran the same inputs)."),
      .repeatable("gate", "GATE", help: "A limit such as 'score:ks<0.15', 'score:mean+-0.05' or '@duration:p95<+20%'."),
      .repeatable("ignore", "NAME", help: "Leave a metric out."),
      .value("alpha", "P", default: "0.01", help: "Largest probability that counts as evidence."),
      .value("min-samples", "N", default: "30", help: "Fewest values, or pairs, for a verdict."),
      .value("on-added", "DO", default: "warn", completion: reactions, help: "If only B reports a metric."),
      .value("on-removed", "DO", default: "warn", completion: reactions, help: "If only A reports a metric."),
      .value(
        "if-unknown", "DO", completion: .choices(["pass", "fail"]),
        help: "Exit with 0 or 1 instead of 3 if nothing could be judged."),
      .value(
        "plot", "WHICH", default: "changed", completion: .choices(["changed", "all", "none"]),
        help: "Metrics whose distributions are drawn."),
      .flag("ascii", help: "Draw with ASCII characters (default if the locale is not UTF-8)."),
      SharedOptions.json,
      .flag("markdown", help: "Print a table in Markdown, for a pull request."),
      SharedOptions.home,
    ])

  private static let reactions = ValueCompletion.choices(CompareResult.Reaction.allCases.map(\.rawValue))

  static func run(_ invocation: Invocation) throws -> Int32 {
    let rules = try rules(invocation)
    let files = invocation.values("from")
    let isPaired = invocation.optionalFlag("paired")
    if invocation.flag("json"), invocation.flag("markdown") { throw invocation.conflict("--json", "--markdown") }
    let sides: (a: CompareSide, b: CompareSide)
    if let first = invocation.argument("A") {
      guard let second = invocation.argument("B") else { throw invocation.missing("B") }
      let now = WallClock.now()
      let needsKeys = isPaired == true
      sides = (
        try CompareSide(invocation, "A", first, now: now, needsKeys: needsKeys),
        try CompareSide(invocation, "B", second, now: now, needsKeys: needsKeys)
      )
      if files.isEmpty {
        try CompareSources.readHistory(invocation, into: [sides.a, sides.b])
      } else {
        for file in files { try CompareSources.read(file, invocation, into: [sides.a, sides.b]) }
      }
    } else {
      guard files.count == 2 else { throw invocation.missing(files.isEmpty ? "A" : "two --from, or A and B") }
      sides = (
        CompareSide(file: files[0], needsKeys: isPaired == true),
        CompareSide(file: files[1], needsKeys: isPaired == true)
      )
      try CompareSources.read(files[0], invocation, into: [sides.a])
      try CompareSources.read(files[1], invocation, into: [sides.b])
    }
    let result: CompareResult
    do throws(SystemError) {
      result = try CompareResult(sides.a, sides.b, isPaired: isPaired, rules: rules)
    } catch {
      throw ScratchFolder.failure(error, status: 125)
    }
    warn(result)
    let text: [UInt8]
    if invocation.flag("json") {
      text = CompareJSON.object(result)
    } else if invocation.flag("markdown") {
      text = Array(CompareMarkdown.text(result).utf8)
    } else {
      let plot = ComparePlot(isASCII: invocation.flag("ascii") || !hasUnicode)
      text = Array(CompareText.text(result, plot, which: invocation.value("plot") ?? "").utf8)
    }
    return StandardOutput.write(text) ? result.exitStatus : 125
  }

  private static func rules(_ invocation: Invocation) throws -> CompareResult.Rules {
    var rules = CompareResult.Rules()
    let alpha = invocation.value("alpha") ?? ""
    guard let p = Double(alpha), p > 0, p < 1 else {
      throw invocation.invalid("alpha", value: alpha, expected: "a number between 0 and 1")
    }
    rules.settings.alpha = p
    let samples = invocation.value("min-samples") ?? ""
    guard let count = Int(samples), count >= 2 else {
      throw invocation.invalid("min-samples", value: samples, expected: "a whole number from 2 on")
    }
    rules.settings.minimumSamples = count
    rules.gates = try invocation.values("gate").map { text in
      guard let gate = Gate(text) else { throw invocation.invalid("gate", value: text, expected: Gate.expected) }
      return gate
    }
    rules.ignored = Set(invocation.values("ignore"))
    rules.onAdded = invocation.value("on-added").flatMap(CompareResult.Reaction.init) ?? .warn
    rules.onRemoved = invocation.value("on-removed").flatMap(CompareResult.Reaction.init) ?? .warn
    switch invocation.value("if-unknown") {
    case "pass": rules.statusIfUnknown = 0
    case "fail": rules.statusIfUnknown = 1
    default: break
    }
    return rules
  }

  private static func warn(_ result: CompareResult) {
    for (name, side) in [("A", result.a), ("B", result.b)] where side.columns.executions == 0 {
      Message.print(
        "\(name), \(side.title), \(side.absence); "
          + (side.executions == 0
            ? "check its spelling and its period." : "leave --paired out, or compare results of batch."))
    }
    for metric in result.warned {
      Message.print(
        "metric \"\(TerminalText.escaped(metric.name))\" is reported by \(metric.a == nil ? "B" : "A") only; decide on it with "
          + "\(metric.a == nil ? "--on-added" : "--on-removed").")
    }
    for judged in result.gates where judged.outcome == .unknown {
      Message.print(
        "gate \"\(TerminalText.escaped(judged.gate.description))\" could not be judged: "
          + (result.rules.ignored.contains(judged.gate.name)
            ? "--ignore leaves that metric out; leave out one of the two."
            : "a side has no such figure; check the metric's name."))
    }
  }

  /// Whether the locale's characters are UTF-8.
  private static var hasUnicode: Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { HomeDirectory.processVariable($0) }.first {
      !$0.isEmpty
    }
    let name = locale?.lowercased() ?? ""
    return name.hasSuffix("utf-8") || name.hasSuffix("utf8")
  }
}
