// SPDX-License-Identifier: Apache-2.0
internal import MetricsIntake
internal import Platform
public import ProcessSupervision
public import RunModel

/// Carries out each execution by a child process of its own: launch, collect metrics, validate, merge.
///
/// An execution that was started always ends in a record: a crash, a time limit or rejected metrics are results, not
/// errors.
public final class ProcessExecutor: Executor, ChildWatcher {
  private struct Execution {
    let id: ExecutionID
    let request: ExecutionRequest
    let child: Child
    let channel: MetricsChannel
    let payloads: PayloadBuilder
    let startedAt = MonotonicInstant.now()
  }

  private let supervisor: Supervisor
  private let slots: Int
  private let spillDirectory: String
  private let environment: ChildEnvironment
  private let rules: MetricRules
  private let payloads: PayloadBuilder
  /// A list: there are as many as slots, and the first dictionary of a process costs `exec` a search for the conformances
  /// of its keys.
  private var running: [Execution] = []
  private var lastNumber: UInt64 = 0
  private var canceled: Set<ExecutionID> = []
  private var starts: [ExecutionID] = []
  private var completions: [Completion] = []
  /// Whether descendants of a child may outlive it.
  public var keepsDescendants = false
  /// Whether the child shares algo-run's controlling terminal; for one child at a time.
  public var sharesTerminal = false

  /// - Parameters:
  ///   - supervisor: launches and watches the children.
  ///   - slots: children at a time.
  ///   - format: of the payloads, as the connection has it.
  ///   - secrets: names of environment variables that no child gets.
  ///   - spillDirectory: holds inputs if the kernel has no files in memory.
  public init(
    supervisor: Supervisor, slots: Int, format: PayloadFormat, secrets: [String], spillDirectory: String = "/tmp"
  ) {
    self.supervisor = supervisor
    self.slots = slots
    self.spillDirectory = spillDirectory
    environment = ChildEnvironment(secrets: secrets)
    rules = MetricRules(format: format)
    payloads = PayloadBuilder(format: format, sessionID: "rses-" + RequestID.uuid())
  }

  /// Children that could be launched now.
  public var freeSlots: Int { slots - running.count }

  /// Launches a child with its metrics channel.
  public func start(
    _ request: ExecutionRequest, output: (any OutputReceiver)?
  ) throws(StartFailure) -> ExecutionID {
    let channel = MetricsChannel(rules: rules)
    var configuration = SpawnConfiguration(
      command: request.target.command, environment: environment.variables(for: request),
      directory: request.target.version?.directory)
    configuration.standardInput = try request.input.opened(spillDirectory: spillDirectory)
    configuration.limits = request.limits
    configuration.watcher = self
    configuration.keepsDescendants = keepsDescendants
    configuration.sharesTerminal = sharesTerminal
    if let output {
      configuration.outputs = [OutputPipe(descriptor: 1, to: output), OutputPipe(descriptor: 2, to: output)]
    }
    configuration.outputs.append(OutputPipe(descriptor: ChildEnvironment.metricsDescriptor, to: channel))
    let child: Child
    do throws(LaunchFailure) { child = try supervisor.launch(configuration) } catch { throw .launch(error) }
    lastNumber += 1
    let id = ExecutionID(lastNumber)
    running.append(Execution(id: id, request: request, child: child, channel: channel, payloads: payloads))
    starts.append(id)
    return id
  }

  /// Sends a signal to the group of a child.
  public func signal(_ number: Int32, to id: ExecutionID) { child(of: id)?.signal(number) }

  /// Begins the stop sequence of a child.
  public func stop(_ id: ExecutionID) { child(of: id)?.stop() }

  /// Begins the stop sequence of a child, whose execution is canceled.
  public func cancel(_ id: ExecutionID) {
    guard let child = child(of: id) else { return }
    canceled.insert(id)
    child.stop()
  }

  /// Kills the group of a child.
  public func kill(_ id: ExecutionID) { child(of: id)?.killNow() }

  private func child(of id: ExecutionID) -> Child? { running.first { $0.id == id }?.child }

  /// The executions whose child was launched since the last call.
  public func takeStarts() -> [ExecutionID] {
    guard !starts.isEmpty else { return [] }
    defer { starts.removeAll(keepingCapacity: true) }
    return starts
  }

  /// The executions whose child has ended since the last call.
  public func takeCompletions() -> [Completion] {
    _ = supervisor.takeEndedChildren()
    guard !completions.isEmpty else { return [] }
    defer { completions = [] }
    return completions
  }

  /// Keeps the record of a child that has ended.
  public func ended(_ child: Child, _ exit: ChildExit) {
    guard let index = running.firstIndex(where: { $0.child === child }) else { return }
    let execution = running.remove(at: index)
    let ending: Ending =
      if exit.timedOut { .timedOut(exit.termination) } else if canceled.remove(execution.id) != nil {
        .canceled(exit.termination)
      } else { .ended(exit.termination) }
    completions.append(Completion(id: execution.id, record: Self.record(of: execution, exit, ending)))
  }

  /// Validates the reported metrics and merges them with the measurements. Delivery is still to come.
  private static func record(of execution: Execution, _ exit: ChildExit, _ ending: Ending) -> ExecutionRecord {
    let request = execution.request
    var record = ExecutionRecord(
      requestID: request.id, version: request.target.version, trace: request.trace,
      ending: ending, attempts: request.attempt, startedAt: execution.child.launchedAt, duration: exit.duration,
      usage: exit.usage,
      metrics: execution.channel.intake.finish())
    record.queueTime = request.submittedAt.map { execution.startedAt.duration(since: $0) }
    record.payload = execution.payloads.payload(of: record)
    return record
  }
}

/// Passes the bytes of a child's metrics channel to the intake of its execution.
private final class MetricsChannel: OutputReceiver {
  var intake: MetricsIntake
  init(rules: MetricRules) { intake = MetricsIntake(rules: rules) }
  func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) { intake.consume(bytes) }
}
