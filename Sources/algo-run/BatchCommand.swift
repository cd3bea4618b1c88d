// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import Execution
internal import Glibc
internal import ProcessSupervision
internal import RunModel
internal import StateStore

/// `algo-run batch`: every request of a list, from the command line to the exit status.
enum BatchCommand: Subcommand {
  static let command = Command(
    name: "batch",
    abstract: "Run every request of a list of files, and write one result line for each.",
    discussion: """
      Files named *.ndjson or *.jsonl, and - for stdin, hold one request a line; any other file is one request. The \
      child reads its request from stdin. Results are NDJSON: the execution record with index, source, input_sha256, \
      result (the child's stdout) and stderr_tail.
      Ctrl-C lets running requests finish and starts no new ones; once more stops them. Payloads of versions with \
      Insights on are delivered meanwhile; payloads without an acknowledgement stay in the outbox.
      Exit status: 0 all succeeded; 1 some failed; 130 interrupted; 125 algo-run's own failure; 64 usage.
      """,
    examples: [
      ("algo-run batch demo/iris flowers.ndjson --output results.ndjson", "every line of a file"),
      ("algo-run batch demo/iris flowers.ndjson --output results.ndjson --resume", "continue after an interruption"),
      ("algo-run batch demo/digits scans/*.png --jobs 8 --timeout 30s", "every file, 8 at a time"),
      (
        "zcat log.gz | algo-run batch demo/iris - --retries 3 --halt-after 5%",
        "from a pipe, with retries and a limit of failures"
      ),
      ("algo-run batch demo/iris flowers.ndjson --dry-run", "list the requests that would run"),
    ],
    arguments: [
      Argument(
        "REF", completion: .reference, help: "OWNER/NAME (its latest version), or with /1, /1.2, /1.2.* or /1.2.0."),
      Argument("FILE", arity: .repeating, completion: .file, help: "Request files; - or none for stdin."),
    ],
    options: [
      .flag("envelope", help: "Lines are {\"request_id\"?: string, \"input\": any JSON}; input is the request."),
      .value("output", short: "o", "FILE", completion: .file, help: "File of the results (default, and -: stdout)."),
      .flag("resume", help: "Keep the results in --output that succeeded and run only the other requests."),
      .flag("overwrite", help: "Remove the results in --output."),
      .value("jobs", short: "j", "N", help: "Requests that run at the same time (default: number of cores)."),
    ] + Stopping.options + [
      .value("retries", "N", default: "0", help: "Attempts of a failed request after its first."),
      .value(
        "retry-delay", "D", default: "500ms", help: "Wait before the first retry; doubles each time, at most 30s."),
      .value("halt-after", "N|P%", help: "Start no more requests after this number or share of failures."),
      .flag(
        "keep-order",
        help: "Write results in the order of the requests (with --resume: after the results that are kept)."),
      .value("limit", "N", help: "Maximum number of requests to run."),
      .flag("dry-run", help: "List the requests that would run, as NDJSON, and run nothing."),
      .value("max-output", "SIZE", default: "64MiB", help: "Bytes of a request's stdout to keep."),
      .value(
        "progress", "HOW", default: "auto", completion: .choices(ProgressStyle.allCases.map(\.rawValue)),
        help: "A bar, plain lines, or none; auto is a bar on a terminal and plain lines elsewhere."),
      .flag("quiet", short: "q", help: "No progress and no summary; messages about failures still appear."),
      .value("summary", "FILE", completion: .file, help: "Write the summary to this file, as JSON."),
      SharedOptions.noHistory,
    ] + WorkerOptions.options + [SharedOptions.home],
    takesCommandLine: true)

  static func run(_ invocation: Invocation) throws -> Int32 {
    do { return try execute(invocation) } catch is Interruption { return 130 }
  }

  private static func execute(_ invocation: Invocation) throws -> Int32 {
    let options = try BatchOptions(invocation)
    // Before anything else exists: signals are blocked from here on and none is lost; threads inherit that.
    let supervision = options.isDryRun ? nil : try ExecCommand.supervision()
    let context = try RunContext.find(
      invocation, reference: options.reference, runsWithoutState: options.runsWithoutState)
    guard let version = try options.worker.applied(to: context.version), let home = context.home else {
      throw CommandError(
        exitCode: 125, sentence: "there is no home directory to keep payloads in; name one with --home.")
    }
    var settings = options.settings(for: version, home: home)
    if let connection = context.connection { settings.drainLimit = connection.deliveryWindow }
    guard let (loop, supervisor) = supervision else { return try preview(settings) }
    try options.refuseOwnFiles(context, insights: version.insights)

    let files = PatientFiles(supervisor, limit: options.stopping.limits.timeLimit)
    let summaryFile = try options.summaryPath.map { path in
      try ExecCommand.ownFailure { try ReportFile(path, option: "--summary", by: files) }
    }
    let executor = context.executor(
      of: settings.target, worker: version.worker, slots: settings.jobs, limits: settings.limits,
      spillDirectory: settings.spillDirectory, by: supervisor)
    let payloads = version.insights ? try context.payloadQueue(waking: loop) : nil
    let history = HistoryWriter.of(invocation, home: home, importing: .behind)
    let summary: BatchSummary
    do throws(BatchFailure) {
      let batch = try BatchRun(
        settings: settings, loop: loop, supervisor: supervisor, executor: executor, payloads: payloads)
      batch.history = history
      summary = try batch.run()
    } catch {
      payloads?.close()
      throw CommandError(exitCode: error.exitStatus, sentence: "\(error)")
    }
    history?.close()
    for line in settings.isQuiet ? summary.linesWhenQuiet : summary.lines { Message.print(line) }
    executor.printLateMetrics()
    if let summaryFile {
      try ExecCommand.ownFailure { try summaryFile.write(summary.json) }
    }
    return summary.exitStatus
  }

  private static func preview(_ settings: BatchSettings) throws -> Int32 {
    let sentence = try ExecCommand.ownFailure {
      try BatchPreview(settings: settings).run { StandardOutput.write($0) }
    }
    if !settings.isQuiet { Message.print(sentence) }
    return 0
  }
}
