// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import Execution
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RequestDispatch
internal import RunModel
internal import StateStore

/// The options of `batch`, read and judged before anything is touched.
struct BatchOptions {
  let reference: AlgorithmReference
  let isDryRun: Bool
  let summaryPath: String?
  /// Nil for standard output.
  private let outputPath: String?
  private let invocation: Invocation
  private let files: [String]
  private let jobs: Int
  let stopping: Stopping
  private let retries: RetryPolicy
  private let halt: HaltRule?
  private let limit: Int?
  private let outputLimit: Int
  let worker: WorkerOptions

  init(_ invocation: Invocation) throws {
    self.invocation = invocation
    guard let text = invocation.argument("REF") else { throw invocation.missing("REF") }
    reference = try SharedOptions.reference(text)
    let named = invocation.arguments("FILE")
    // A person who forgot the file would wait for ever.
    if named.isEmpty, isatty(0) == 1 { throw invocation.missing("FILE (or - for standard input)") }
    files = named.isEmpty ? ["-"] : named
    isDryRun = invocation.flag("dry-run")
    guard named.filter({ $0 == "-" }).count < 2 else {
      throw CommandError(exitCode: 64, sentence: "\(BatchFailure.standardInputTwice)")
    }
    summaryPath = invocation.value("summary")
    outputPath = invocation.value("output").flatMap { $0 == "-" ? nil : $0 }
    guard summaryPath != "-" else {
      throw invocation.invalid("summary", value: "-", expected: "a file; results have standard output to themselves")
    }
    if invocation.flag("resume"), outputPath == nil { throw invocation.missing("--output FILE") }
    try Self.refuseClosedStreams(files, output: outputPath)
    try Self.refuseOverwriting(files, output: outputPath, summary: summaryPath)
    if invocation.flag("resume"), invocation.flag("overwrite") { throw invocation.conflict("--resume", "--overwrite") }
    jobs = try SharedOptions.number(invocation, "jobs", atLeast: 1) ?? JobLimit.processors
    stopping = try Stopping(invocation)
    worker = try WorkerOptions(invocation)
    retries = RetryPolicy(
      limit: try SharedOptions.number(invocation, "retries", atLeast: 0) ?? 0,
      firstDelay: try SharedOptions.duration(invocation, "retry-delay") ?? .milliseconds(500))
    halt = try invocation.value("halt-after").map { text in
      guard let rule = HaltRule(parsing: text) else {
        throw invocation.invalid("halt-after", value: text, expected: "a number of failures, or a share such as 5%")
      }
      return rule
    }
    limit = try SharedOptions.number(invocation, "limit", atLeast: 0)
    let size = invocation.value("max-output") ?? ""
    guard let bytes = ByteSize.parse(size) else {
      throw invocation.invalid("max-output", value: size, expected: "a size such as 64MiB or 65536")
    }
    outputLimit = bytes
  }

  /// Fails early if stdin or stdout is closed: the error would otherwise go unnoticed.
  private static func refuseClosedStreams(_ files: [String], output: String?) throws(CommandError) {
    if output == nil, fcntl(STDOUT_FILENO, F_GETFD) < 0 {
      throw CommandError(
        exitCode: 125, sentence: "standard output is closed, so results would be lost; name a file with --output.")
    }
    if files.contains("-"), fcntl(STDIN_FILENO, F_GETFD) < 0 {
      throw CommandError(exitCode: 125, sentence: "standard input is closed; name the files of the requests.")
    }
  }

  /// Refuses results in files that algo-run needs for itself, and payloads in files of the batch: appended to the
  /// requests they would be the next requests, without end.
  func refuseOwnFiles(_ context: RunContext, insights: Bool) throws(CommandError) {
    try context.refuseOwnFile(outputPath, option: "--output")
    try context.refuseOwnFile(summaryPath, option: "--summary")
    guard insights, let payloads = context.insightsFile.flatMap({ FileIdentity(writing: $0) }) else { return }
    if let requests = Self.requests(files, in: payloads) {
      throw CommandError(
        exitCode: 64,
        sentence: "payloads of this version are appended to the file of the requests, \(requests); copy the requests "
          + "to another file.")
    }
    if outputPath == nil, FileIdentity(file: STDOUT_FILENO) == payloads {
      throw CommandError(
        exitCode: 64,
        sentence: "standard output goes into the file that payloads are appended to; choose another file with "
          + "--output.")
    }
  }

  /// Those of the files whose content is in `file`, in words. Standard input may have been redirected from one, too.
  private static func requests(_ files: [String], in file: FileIdentity) -> String? {
    let same = files.first { ($0 == "-" ? FileIdentity(file: STDIN_FILENO) : FileIdentity(reading: $0)) == file }
    return same.map { $0 == "-" ? "standard input" : "\"\(TerminalText.escaped($0))\"" }
  }

  /// No request is ever written over or added to, and the summary not written over the results.
  private static func refuseOverwriting(_ files: [String], output: String?, summary: String?) throws(CommandError) {
    let results = output.map { FileIdentity(writing: $0) } ?? FileIdentity(file: STDOUT_FILENO)
    let report = summary.flatMap { FileIdentity(writing: $0) }
    for (option, written) in [("--output", results), ("--summary", report)] {
      guard let written, let shown = requests(files, in: written) else { continue }
      throw CommandError(
        exitCode: 64,
        sentence: option == "--output" && output == nil
          ? "standard output goes into the file of the requests, \(shown); choose another file with --output."
          : "\(option) would write over the requests in \(shown); choose another file with \(option).")
    }
    if let report, report == results {
      let shown = output.map { "\"\(TerminalText.escaped($0))\"" } ?? "on standard output"
      throw CommandError(
        exitCode: 64,
        sentence: "--summary would write over the results \(shown); choose another file with --summary.")
    }
  }

  /// Whether the command line has all that is needed: an exact version and its command.
  var runsWithoutState: Bool {
    guard case .exact = reference.selector else { return false }
    return invocation.commandLine != nil
  }

  /// All of it, for the version that was found.
  func settings(for version: PublishedVersion, home: HomeDirectory) -> BatchSettings {
    var settings = BatchSettings(
      version: version,
      command: invocation.commandLine.map { CommandWords.last($0.count) },
      files: files,
      spillDirectory: Self.spillDirectory(home))
    settings.takesEnvelopes = invocation.flag("envelope")
    settings.output = outputPath
    settings.resumes = invocation.flag("resume")
    settings.overwrites = invocation.flag("overwrite")
    settings.jobs = jobs
    settings.limits = stopping.limits(for: version)
    settings.openLimit = stopping.limits.timeLimit
    settings.trace = SharedOptions.trace
    settings.retries = retries
    settings.halt = halt
    settings.keepsOrder = invocation.flag("keep-order")
    settings.limit = limit
    settings.outputLimit = outputLimit
    settings.isQuiet = invocation.flag("quiet")
    let style = invocation.value("progress").flatMap(ProgressStyle.init)
    settings.progress = settings.isQuiet ? .none : style ?? .auto
    return settings
  }

  /// `TMPDIR`, else `/var/tmp`, which is on a disk where `/tmp` is often memory, else the home.
  private static func spillDirectory(_ home: HomeDirectory) -> String {
    if let chosen = HomeDirectory.processVariable("TMPDIR"), !chosen.isEmpty { return chosen }
    return access("/var/tmp", W_OK | X_OK) == 0 ? "/var/tmp" : home.path
  }
}
