internal import MetricsIntake
internal import Platform
public import ProcessSupervision
public import RunModel

/// The story of one execution: launch, collect, validate, merge. Whoever looked up the version calls ``start(_:)``,
/// lets the supervisor turn until the child has ended, calls ``finish(_:attempts:)``, and hands the record over for
/// delivery. `exec` does so once (``ExecRun``), a batch many times at once.
///
/// A run that was launched always ends in a record: a crash, a time limit or rejected metrics are results, not errors.
/// Only a run that never started throws.
public final class RunPipeline {
  private let supervisor: Supervisor
  private let environment: ChildEnvironment
  private let rules: MetricRules
  private let payloads: PayloadBuilder
  private let trace: TraceContext?

  /// - Parameters:
  ///   - supervisor: who launches and watches.
  ///   - format: of the payloads, as the connection says.
  ///   - secrets: names of environment variables that no child gets.
  ///   - trace: the trace that algo-run was called within, which becomes the header `traceparent`.
  public init(supervisor: Supervisor, format: PayloadFormat, secrets: Set<String>, trace: TraceContext?) {
    self.supervisor = supervisor
    environment = ChildEnvironment(secrets: secrets)
    rules = MetricRules(format: format)
    payloads = PayloadBuilder(format: format, sessionID: "rses-" + RequestID.uuid())
    self.trace = trace
  }

  /// Launches the child with its metrics channel.
  ///
  /// - Throws: why it never ran.
  public func start(_ request: RunRequest) throws(LaunchFailure) -> Run {
    let channel = MetricsChannel(rules: rules)
    var plan = SpawnConfiguration(
      command: request.command, environment: environment.variables(for: request), directory: request.directory)
    plan.standardInput = request.standardInput
    plan.timeLimit = request.timeLimit
    plan.stopSignal = request.stopSignal
    plan.grace = request.grace
    plan.keepsDescendants = request.keepsDescendants
    plan.sharesTerminal = request.sharesTerminal
    plan.outputs = request.outputs + [OutputPipe(descriptor: ChildEnvironment.metricsDescriptor, to: channel)]
    let child = try supervisor.launch(plan)
    return Run(requestID: request.requestID, version: request.version, child: child, channel: channel)
  }

  /// Turns an ended run into its record: validates what was reported and merges it with what was measured.
  /// Its delivery is still to come.
  public func finish(_ run: Run, _ exit: ChildExit, attempts: Int) -> ExecutionRecord {
    let child = run.child
    let metrics = run.channel.intake.finish()
    var record = ExecutionRecord(
      requestID: run.requestID, version: run.version, outcome: exit.outcome, termination: exit.termination,
      attempts: attempts, timestamp: child.launchedAt, duration: exit.duration, usage: exit.usage ?? .none,
      metrics: metrics,
      payload: nil, delivery: Delivery(.insightsOff))
    record.payload = payloads.payload(of: record)
    return record
  }

  /// The record of an execution that never started: there is nothing to publish.
  public func unstarted(_ request: RunRequest, because failure: LaunchFailure, attempts: Int) -> ExecutionRecord {
    ExecutionRecord(
      requestID: request.requestID, version: request.version, outcome: .failedToStart, termination: nil,
      attempts: attempts, timestamp: WallClock.now(), duration: .zero, usage: .none, metrics: .none, payload: nil,
      delivery: Delivery(.insightsOff, detail: "it never started, so there is nothing to publish"),
      failure: failure.description)
  }

  /// What is to be published of an execution: nothing unless its version has Insights enabled.
  public func publication(of record: ExecutionRecord) -> InsightsRecord? {
    guard let version = record.version, version.insights, let payload = record.payload else { return nil }
    return InsightsRecord(
      key: record.requestID, value: payload, headers: RecordHeaders.of(record, version, trace: trace))
  }
}

/// One launched run.
public final class Run {
  /// The request's identifier.
  public let requestID: String
  /// The version that runs.
  public let version: PublishedVersion?
  /// Its process.
  public let child: Child
  let channel: MetricsChannel

  init(requestID: String, version: PublishedVersion?, child: Child, channel: MetricsChannel) {
    self.requestID = requestID
    self.version = version
    self.child = child
    self.channel = channel
  }
}

extension ChildExit {
  var outcome: Outcome {
    if timedOut { return .timedOut }
    switch termination {
    case .exited(code: 0): return .succeeded
    case .exited: return .failed
    case .signaled: return .signaled
    }
  }
}

/// Passes what a child writes to its metrics channel to the intake of its run.
final class MetricsChannel: OutputReceiver {
  var intake: MetricsIntake
  init(rules: MetricRules) { intake = MetricsIntake(rules: rules) }
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) { intake.consume(bytes) }
}
