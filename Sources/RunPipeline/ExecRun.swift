internal import Glibc
public import Platform
public import ProcessSupervision
public import RunModel

/// One execution with the supervisor to itself, as `exec` runs it: from launch to a payload handed over.
public struct ExecRun {
  private let pipeline: RunPipeline
  private let supervisor: Supervisor
  private let loop: EventLoop

  /// A run by `pipeline` on `supervisor`, whose event loop is `loop`.
  public init(pipeline: RunPipeline, supervisor: Supervisor, loop: EventLoop) {
    self.pipeline = pipeline
    self.supervisor = supervisor
    self.loop = loop
  }

  /// Runs to the end. `publisher` is asked for only where the version has Insights enabled, once the child runs:
  /// connecting then takes none of its time.
  ///
  /// - Throws: why it never started.
  public func run(
    _ request: RunRequest, publisher: () -> any PayloadPublisher
  ) throws(LaunchFailure) -> ExecutionRecord {
    let run = try pipeline.start(request)
    let delivery = request.version?.insights == true ? publisher() : nil
    delivery?.prepare()
    var forwarding = SignalForwarding()
    var ended: [(child: Child, exit: ChildExit)] = []
    while ended.isEmpty {
      loop.turn()
      for signal in supervisor.takeSignals() { forwarding.forward(signal, to: run.child) }
      ended = supervisor.takeEndedChildren()
    }
    supervisor.dismissGuardian()
    var record = pipeline.finish(run, ended[0].exit, attempts: 1)
    if let delivery, let publication = pipeline.publication(of: record) {
      record.delivery = delivery.publish(publication)
    }
    return record
  }
}

/// Forwards the signals that algo-run gets to the child.
struct SignalForwarding {
  private var requestsToStop = 0

  /// Forwards to the whole group. A second SIGINT or SIGTERM from another process kills it: the first did not help.
  /// Ctrl-C may be pressed as often as the user likes: an interpreter at its prompt takes it for an instruction.
  mutating func forward(_ signal: ReceivedSignal, to child: Child) {
    let number = signal.number
    if !signal.isFromTerminal, number == SIGINT || number == SIGTERM {
      requestsToStop += 1
      if requestsToStop > 1 { return child.killNow() }
    }
    child.signal(number)
    // A stopped child would not notice that it is asked to end.
    if number != SIGWINCH { child.signal(SIGCONT) }
  }
}
