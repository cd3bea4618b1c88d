// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import CommandLineInterface
internal import Delivery
internal import Execution
internal import HTTPService
internal import Platform
internal import ProcessSupervision
internal import RunModel
internal import ServerCommands
internal import StateStore

/// `algo-run serve`: calls, versions and administration over HTTP.
enum ServeCommand: Subcommand {
  static let command = Command(
    name: "serve",
    abstract: "Serve published versions over HTTP.",
    discussion: """
      Every call is one execution and, with Insights on, one payload. SIGTERM drains: running calls finish, payloads \
      are stored.
      Exit status: 0 drained; 125 it could not start; 64 usage.
      """,
    examples: [
      ("algo-run serve", "on 127.0.0.1:8080 and [::1]:8080; needs a key: algo-run keys create NAME"),
      ("systemctl enable --now algo-run-serve.socket", "started by systemd for the first request"),
      ("algo-run serve --listen unix:/run/algo-run.sock --no-auth", "behind a proxy on this host"),
    ],
    options: [
      .repeatable("listen", "ADDR:PORT", help: "Address, or unix:PATH (default: 127.0.0.1:8080 and [::1]:8080)."),
      .repeatable("allowed-host", "NAME", help: "A further name of this server, as clients send it in Host."),
      .value("jobs", "N", help: "Executions at a time (default: number of cores)."),
      .value("queue", "N", help: "Calls that wait for a slot (default: twice the jobs)."),
      .value("max-body", "SIZE", default: "10MiB", help: "Largest input."),
      .value("max-output", "SIZE", default: "64MiB", help: "Largest result."),
      .value("timeout", "D", help: "Longest time limit of a call (default: the version's, else 300s)."),
      .value(
        "stop-signal", "SIGNAL", default: "TERM", help: "First signal of the stop sequence, by name or number."),
      .value("grace", "D", default: "5s", help: "Grace period before SIGKILL."),
      .value("drain", "D", default: "30s", help: "Time that running calls have at the end."),
      .value(
        "drain-delay", "D", default: "0s",
        help: "Time from SIGTERM, when /readyz fails, until no more connections are taken."),
      .value(
        "on-disconnect", "ACTION", default: "cancel", completion: .choices(["cancel", "continue"]),
        help: "Whether an execution continues if its caller leaves."),
      .value(
        "log-format", "FORMAT", default: "text", completion: .choices(["text", "json"]),
        help: "Format of the access log."),
      .value("max-connections", "N", default: "4096", help: "Open connections."),
      .flag("allow-publish", help: "Let keys of scope admin publish new commands over HTTP."),
      .flag("no-auth", help: "Accept requests without a key; only on loopback or a Unix socket."),
      SharedOptions.noHistory,
    ] + WorkerOptions.options.filter { $0.name != "drain" } + [SharedOptions.home])

  static func run(_ invocation: Invocation) throws -> Int32 {
    // Before anything else opens descriptors.
    let inherited = try ExecCommand.ownFailure { try ListeningSocket.inherited() }
    let manager = ServiceManager()
    var settings = try settings(invocation, inherited)
    let workers = try WorkerOptions(invocation, ownsDrain: true)
    let (loop, supervisor) = try ExecCommand.supervision()
    let context = try RunContext.find(invocation, reference: nil, runsWithoutState: false)
    guard let home = context.home else {
      throw CommandError(exitCode: 125, sentence: "there is no home directory; name one with --home.")
    }
    settings.limitFiles(by: supervisor)
    let executor = executor(context, settings, workers, by: supervisor)
    return try ExecCommand.ownFailure {
      let payloads = try DeliveryThread(
        connection: context.connection, home: home, serves: true, waking: loop,
        report: DeliveryPrinter(of: "payloads of this server").print)
      let history = HistoryWriter.of(invocation, home: home, importing: .idle)
      defer {
        payloads.close()
        history?.close()
      }
      let server = try Server(
        settings: settings, home: home, loop: loop, supervisor: supervisor, executor: executor, payloads: payloads,
        history: history)
      try server.listen(inherited: inherited) { address, console in
        Message.print("serving on \(address).")
        if let console { Message.print(console) }
      }
      if let problem = server.readinessProblem {
        Message.print("not ready for calls in the home \(home.path): \(problem); correct that, or pass another --home.")
      }
      manager.report(.ready)
      server.willEnd = { manager.report(.stopping) }
      server.run()
      return 0
    }
  }

  private static func executor(
    _ context: RunContext, _ settings: ServerSettings, _ workers: WorkerOptions, by supervisor: Supervisor
  ) -> VersionExecutor {
    // Each call has a trace of its own, or none.
    let processes = ProcessExecutor(
      supervisor: supervisor, slots: settings.jobs, format: context.payloadFormat,
      secrets: context.secretVariables + TraceContext.variableNames, spillDirectory: settings.spillDirectory)
    return VersionExecutor(slots: settings.jobs, processes: processes, loop: supervisor.loop) { target, worker in
      var (worker, limits) = (workers.applied(to: worker), RunLimits())
      worker.drain = settings.drain
      limits.stopSignal = settings.stopSignal
      limits.grace = settings.grace
      return context.workers(of: target, worker, slots: settings.jobs, limits: limits, by: supervisor)
    }
  }

  /// Whether clients can send it in Host, with or without a port.
  private static func isHostName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/?#@,".utf8.contains($0) }
  }

  private static func settings(
    _ invocation: Invocation, _ inherited: [ListeningSocket]
  ) throws -> ServerSettings {
    var settings = ServerSettings()
    func size(_ name: String) throws(UsageError) -> Int {
      guard let bytes = ByteSize.parse(invocation.value(name) ?? ""), bytes > 0 else {
        throw invocation.invalid(name, value: invocation.value(name) ?? "", expected: "a size such as 10MiB")
      }
      return bytes
    }
    let addresses = try invocation.values("listen").map { text throws(UsageError) in
      guard let address = ListenAddress(parsing: text) else {
        throw invocation.invalid(
          "listen", value: text,
          expected: "an address and a port such as 127.0.0.1:8080 or [::1]:8080, or unix:PATH with at most 107 bytes")
      }
      return address
    }
    if !addresses.isEmpty || !inherited.isEmpty { settings.addresses = addresses }
    settings.allowedHosts = invocation.values("allowed-host")
    if let name = settings.allowedHosts.first(where: { !isHostName($0) }) {
      throw invocation.invalid("allowed-host", value: name, expected: "a name such as models.example.com")
    }
    settings.jobs = try SharedOptions.number(invocation, "jobs", atLeast: 1) ?? JobLimit.processors
    settings.queue = try SharedOptions.number(invocation, "queue", atLeast: 0) ?? 2 * settings.jobs
    settings.maxBody = try size("max-body")
    settings.maxOutput = try size("max-output")
    settings.timeLimit = try SharedOptions.timeLimit(invocation)
    settings.stopSignal = try SharedOptions.signal(invocation, "stop-signal")
    settings.drainDelay = try SharedOptions.duration(invocation, "drain-delay") ?? settings.drainDelay
    settings.grace = try SharedOptions.duration(invocation, "grace") ?? settings.grace
    settings.drain = try SharedOptions.duration(invocation, "drain") ?? settings.drain
    settings.cancelsOnDisconnect = invocation.value("on-disconnect") != "continue"
    settings.logsJSON = invocation.value("log-format") == "json"
    settings.maxConnections = try SharedOptions.number(invocation, "max-connections", atLeast: 1) ?? 4096
    settings.programVersion = Version.number
    settings.allowsPublish = invocation.flag("allow-publish")
    settings.needsNoKey = invocation.flag("no-auth")
    settings.spillDirectory = HomeDirectory.processVariable("TMPDIR") ?? "/tmp"
    let all = settings.addresses + inherited.map(\.address)
    if settings.needsNoKey, let open = all.first(where: { !$0.isLocal }) {
      throw invocation.conflict("--no-auth", "--listen \(open)")
    }
    return settings
  }
}

extension ServerSettings {
  /// Raises the limit of open files for the connections and executions wanted, and lowers these to what it allows.
  fileprivate mutating func limitFiles(by supervisor: Supervisor) {
    let others = JobLimit.descriptorsForOthers + 1024
    let job = WorkerPool.descriptorsPerWorker
    let limit = supervisor.raiseFileLimit(to: maxConnections + jobs * job + others + 2 * keptFiles)
    keptFiles = max(64, min(keptFiles, (limit - maxConnections - jobs * job - others) / 2))
    guard limit < maxConnections + jobs * job + others else { return }
    let (wantedJobs, wantedConnections) = (jobs, maxConnections)
    jobs = JobLimit.affordable(jobs, descriptorsPerJob: 2 * job)
    maxConnections = max(16, min(maxConnections, limit - jobs * job - min(others, limit / 4)))
    guard (jobs, maxConnections) != (wantedJobs, wantedConnections) else { return }
    Message.print(
      "the limit of open files allows \(HumanFormat.counted(maxConnections, "connection")) and "
        + "\(HumanFormat.counted(jobs, "execution")) at a time; raise it (ulimit -n) for more.")
  }
}
