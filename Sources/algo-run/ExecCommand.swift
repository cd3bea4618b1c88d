// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Execution
internal import Glibc
internal import Platform
internal import ProcessSupervision
internal import RunModel
internal import StateStore

/// `algo-run exec`: one execution, from the command line to the exit status.
enum ExecCommand: Subcommand {
  static let command = Command(
    name: "exec",
    abstract: "Run one execution of a published version, or of any command.",
    discussion: """
      The child has algo-run's own stdin, stdout and stderr, and reports metrics on the descriptor named by \
      ALGO_METRICS_FD. A version published with --worker gets stdin as its request, and stdout is its result alone. With \
      Insights on, its payload is published; without REF, nothing is published.
      Exit status: the child's own; 128+N (in a shell) if signal N ended the child, and algo-run ended by it as well; \
      124 time limit; 126 not executable; 127 not found; 125 algo-run's own failure; 64 usage; 65 with --strict if a \
      metric was rejected and the child exited with 0.
      """,
    examples: [
      ("algo-run exec demo/iris --input flower.json", "the latest version on one request"),
      ("algo-run exec demo/iris/1.0 --timeout 30s < flower.json", "the latest 1.0, at most 30 seconds"),
      ("algo-run exec --report report.json -- python3 iris.py", "a bare command: see its metrics, publish nothing"),
      ("algo-run exec demo/iris -- python3 -X dev iris.py", "another command in the version's place"),
    ],
    arguments: [
      Argument(
        "REF", arity: .optional, completion: .reference,
        help: "OWNER/NAME (its latest version), or with /1, /1.2, /1.2.* or /1.2.0.")
    ],
    options: [
      .value("input", "FILE", completion: .file, help: "The child's stdin (default: algo-run's own)."),
      .value("report", "FILE", completion: .file, help: "Write the execution record to this file, as JSON."),
      .value("request-id", "ID", help: "Request ID (default: req- and a UUID)."),
      .flag("strict", help: "Exit with 65 if a metric was rejected and the child exited with 0."),
      .flag("keep-descendants", help: "Let the child's descendants outlive it."),
      .value("delivery-wait", "D", help: "Time to wait for the broker after the child has ended (default: 2s)."),
      SharedOptions.noHistory,
    ] + Stopping.options + WorkerOptions.options + [SharedOptions.home],
    takesCommandLine: true)

  static func run(_ invocation: Invocation) throws -> Int32 {
    // The supervisor is gone by the time this process ends by a signal, and its guardian with it.
    let ending: (status: Int32, signal: Int32?)
    do { ending = try execute(invocation) } catch let interruption as Interruption {
      ending = (128 + interruption.signal, interruption.signal)
    }
    if let signal = ending.signal { Supervisor.endProcess(by: signal) }
    return ending.status
  }

  /// Runs one execution.
  ///
  /// - Returns: The exit status, and the signal to end by in its place.
  private static func execute(_ invocation: Invocation) throws -> (status: Int32, signal: Int32?) {
    let deliveryWait = try SharedOptions.deliveryWait(invocation)
    // Before anything is looked up: from here on a signal is the child's, and none is lost between.
    let options = try ExecOptions(invocation)
    let (loop, supervisor) = try supervision()
    let context = try RunContext.find(
      invocation, reference: options.reference, runsWithoutState: invocation.commandLine != nil)
    let version = try options.worker.applied(to: context.version)
    try options.refuseUnusable(for: version)
    try options.refuseOwnFiles(context)
    let files = PatientFiles(supervisor, limit: options.stopping.limits.timeLimit)
    // Before the report: a report that is made here must not be read as input.
    var request = try options.request(for: version, by: files)
    let report = try options.reportPath.map { path in try ownFailure { try ReportFile(path, by: files) } }
    request.limits.timeLimit = files.rest ?? request.limits.timeLimit

    let executor: any Executor
    var output: WorkerOutput?
    if let worker = version?.worker {
      request.input = try request.input.readToEnd()
      let pool = context.workers(
        of: request.target, worker, slots: 1, limits: request.limits, by: supervisor, mostFailedStarts: 1)
      output = WorkerOutput(of: pool)
      executor = pool
    } else {
      let process = ProcessExecutor(
        supervisor: supervisor, slots: 1, format: context.payloadFormat, secrets: context.secretVariables)
      process.keepsDescendants = options.keepsDescendants
      process.sharesTerminal = true
      executor = process
    }
    let history = context.version == nil ? nil : HistoryWriter.of(invocation, home: context.home)
    func note(_ record: ExecutionRecord) {
      // A worker's input is at hand; that of a process is its own.
      history?.append(record, inputSHA256: version?.worker == nil ? nil : request.input.sha256?.hexadecimal)
    }
    let record: ExecutionRecord
    var status: Int32
    do throws(StartFailure) {
      record = try ExecRun(executor: executor, supervisor: supervisor, loop: loop).run(
        request, output: output, publisher: { context.publisher(deliveryWait: deliveryWait) },
        started: { history?.prepare() }, ended: note)
      status = record.exitStatus
    } catch {
      Message.print("\(error)")
      record = request.failedToStart(at: WallClock.now(), because: error)
      note(record)
      status = error.exitStatus
    }
    for notice in executor.takeNotices() { Message.print(notice) }
    if let failure = executor.failure { Message.print("\(failure)") }
    if let explanation = record.explanation { Message.print(explanation) }
    executor.printLateMetrics()
    if output?.isWritten == false, status == 0 { status = 125 }
    if record.outcome == .timedOut, let limit = options.stopping.limits.timeLimit ?? request.limits.timeLimit {
      let origin = invocation.isGiven("timeout") ? "--timeout" : "its version's time limit, which --timeout overrides"
      Message.print("stopped after \(DurationText.format(limit)) (\(origin)).")
    }
    printRejections(record.metrics.rejected)
    if invocation.flag("strict"), status == 0, !record.metrics.rejected.isEmpty { status = 65 }
    if let report {
      do throws(ReportFailure) { try report.write(ExecutionRecordJSON.report(record)) } catch {
        Message.print("\(error)")
      }
    }
    // Ctrl-C between the child's end and this moment is meant for the loop or script around algo-run.
    return (status, record.endingSignal ?? supervisor.pendingInterrupt())
  }

  /// Rejections that are printed; all are in the report.
  private static let printedRejections = 20

  private static func printRejections(_ rejections: [MetricRejection]) {
    for rejection in rejections.prefix(printedRejections) { Message.print("\(rejection)") }
    let rest = rejections.count - printedRejections
    if rest > 0 { Message.print("and \(rest) more rejected; all are in the report (--report FILE).") }
  }

  /// The event loop and the supervisor of this process. Signals are blocked from here on.
  static func supervision() throws(CommandError) -> (EventLoop, Supervisor) {
    do throws(SystemError) {
      let loop = try EventLoop()
      return (loop, try Supervisor(on: loop))
    } catch {
      throw CommandError(
        exitCode: 125, sentence: "cannot watch a child: \(error); raise the limit of open files (ulimit -n).")
    }
  }

  /// Runs `body`; its failure is one of algo-run itself, status 125, unless it has a status of its own.
  static func ownFailure<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
      guard !(error is CommandError || error is Interruption) else { throw error }
      throw CommandError(exitCode: 125, sentence: Remedy.sentence(error))
    }
  }
}
