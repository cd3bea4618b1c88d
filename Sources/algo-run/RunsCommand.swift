// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run runs`: the executions of a home, or of files.
enum RunsCommand: Subcommand {
  private static let reference = Argument(
    "REF", arity: .optional, completion: .reference,
    help: "OWNER/NAME (all versions), or with /1, /1.2, /1.2.* or /1.2.0.")

  static let command = Command(
    name: "runs",
    abstract: "List the executions of published versions, newest first.",
    discussion: """
      Every execution by exec, batch, serve and consume is kept in the home for 90 days, Insights on or off, and stays on \
      this machine; --no-history or ALGO_RUN_HISTORY=off switches that off.
      Exit status: 0 listed, also if there is none; 1 the history or a file cannot be read; 64 usage.
      """,
    examples: [
      ("algo-run runs demo/iris --since 7d --outcome failed,timed_out", "failures of the last week"),
      ("algo-run runs demo/iris --metric confidence --limit 10", "the last ten values of a metric"),
      ("algo-run runs --json | jq -r .request_id", "for programs: one JSON object a line"),
      ("algo-run runs --from results.ndjson", "the results of a batch, as a table"),
      ("algo-run runs stats demo/iris --from topic", "figures of all that was delivered"),
    ],
    arguments: [reference],
    options: [
      .value(
        "since", "T", help: "Only executions that started in the last 7d (any duration), or at this moment or later."),
      .value(
        "until", "T", help: "Only executions that started before this moment, or before the last 7d (any duration)."),
      .value("outcome", "LIST", help: "Only these outcomes, separated by commas: failed,timed_out."),
      .value("metric", "NAME", help: "Only executions that reported this metric; shows its value."),
      .value("limit", "N", default: "50", help: "Maximum number to list."),
      .repeatable(
        "from", "SOURCE", completion: .file,
        help:
          "Read payloads, reports or batch results from this file instead of the history: - for stdin, topic for the "
          + "connection's topic, from its beginning to its end."),
      SharedOptions.json, SharedOptions.home,
    ],
    subcommands: [
      Command(
        name: "show", abstract: "Show the record of one execution.",
        discussion: "Exit status: 0 shown; 1 there is no such execution; 64 usage.",
        examples: [("algo-run runs show req-98cea108-cd35-4fbb-91ba-4313be92698a", "one execution")],
        arguments: [Argument("REQUEST_ID", help: "The identifier that `runs` lists, or the beginning of one.")]),
      Command(
        name: "stats", abstract: "Summarize each metric of each version.",
        discussion: """
          For each metric: in how many executions and in which share of them it was reported, mean, standard deviation, \
          minimum, quantiles and maximum; on a terminal also its course over time. @duration and @cpu are milliseconds, \
          @rss is bytes, measured from outside.
          Exit status: 0 shown, also if there is none; 1 the history or a file cannot be read; 64 usage.
          """,
        examples: [
          ("algo-run runs stats demo/iris --since 1d", "all versions that ran in the last day"),
          ("algo-run runs stats demo/iris/1.2.0 --json", "one version, for programs"),
        ],
        arguments: [Argument("REF", completion: .reference, help: reference.help)]),
      Command(
        name: "schema", abstract: "Print a table or schema for the metrics that a version reported.",
        discussion: """
          Metrics are doubles. Adapt the names of topic, table and broker to yours.
          Exit status: 0 printed; 1 no execution matches REF; 64 usage.
          """,
        examples: [
          ("algo-run runs schema demo/iris --for postgresql | psql", "a table with a column for each metric"),
          ("algo-run runs schema demo/iris --for connect", "for JsonConverter's schema.content"),
        ],
        arguments: [Argument("REF", completion: .reference, help: reference.help)],
        options: [
          .value(
            "for", "STORE", completion: .choices(MetricSchema.Store.allCases.map(\.rawValue)),
            help: "Target of the schema.")
        ]),
    ])

  static func run(_ invocation: Invocation) throws -> Int32 {
    var selection = RunSelection(
      try invocation.commandPath.last == "show"
        ? nil : invocation.argument("REF").map { try SharedOptions.reference($0) })
    selection.since = try moment(invocation, "since")
    selection.until = try moment(invocation, "until")
    selection.outcomes = try outcomes(invocation)
    selection.metric = invocation.value("metric")
    let store = invocation.commandPath.last == "schema" ? try store(invocation) : nil
    let history = try RunsSource.open(invocation)
    switch invocation.commandPath.last {
    case "show": return try RunsShow.run(invocation, history)
    case "stats": return try RunsStats.run(invocation, history, selection)
    case "schema": return try MetricSchema.run(history, selection, for: store ?? .connect)
    default: return try list(invocation, history, selection)
    }
  }

  private static func list(
    _ invocation: Invocation, _ history: History, _ selection: RunSelection
  ) throws -> Int32 {
    let limit = try limit(invocation)
    if invocation.flag("json") {
      var isWritten = true
      try history.forEachLine(selection, limit: limit) { line in
        isWritten = isWritten && StandardOutput.write(line + [UInt8(ascii: "\n")])
      }
      return isWritten ? 0 : 1
    }
    var runs: [JSONMembers] = []
    try history.forEachLine(selection, limit: limit) { line in JSONMembers(line).map { runs.append($0) } }
    guard !runs.isEmpty else { return 0 }
    let columns = Descriptor.standardOutput.terminalColumns
    return StandardOutput.write(RunsText.table(runs, metric: selection.metric, columns: columns)) ? 0 : 1
  }

  private static func limit(_ invocation: Invocation) throws -> Int {
    let text = invocation.value("limit") ?? ""
    guard let limit = Int(text), limit >= 0 else {
      throw invocation.invalid("limit", value: text, expected: "a whole number")
    }
    return limit
  }

  private static func store(_ invocation: Invocation) throws -> MetricSchema.Store {
    guard let store = invocation.value("for").flatMap({ MetricSchema.Store(rawValue: $0) }) else {
      throw invocation.missing("--for STORE")
    }
    return store
  }

  private static func outcomes(_ invocation: Invocation) throws -> [String] {
    let outcomes = invocation.value("outcome")?.split(separator: ",").map(String.init) ?? []
    for outcome in outcomes where Outcome(rawValue: outcome) == nil {
      throw invocation.invalid(
        "outcome", value: outcome, expected: "some of \(Outcome.allCases.map(\.rawValue).joined(separator: ","))")
    }
    return outcomes
  }

  /// A moment: so long ago, or RFC 3339.
  static func moment(_ invocation: Invocation, _ option: String) throws -> Timestamp? {
    guard let text = invocation.value(option) else { return nil }
    if let age = DurationText.parse(text) {
      return Timestamp(microseconds: WallClock.now().microseconds - age.wholeMicroseconds)
    }
    guard let moment = Timestamp(parsing: text) else {
      throw invocation.invalid(
        option, value: text, expected: "a duration such as 7d, or a moment such as 2026-02-20T00:21:54Z")
    }
    return moment
  }
}
