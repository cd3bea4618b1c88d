internal import Glibc
public import ProcessSupervision
public import RunModel

/// One execution with the supervisor to itself, as `exec` runs it: from launch to a payload handed over.
public struct ExecRun {
  private let pipeline: RunPipeline
  private let supervisor: Supervisor

  /// A run by `pipeline` on `supervisor`.
  public init(pipeline: RunPipeline, supervisor: Supervisor) {
    self.pipeline = pipeline
    self.supervisor = supervisor
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
    while !run.child.hasEnded {
      for case .signal(let number, let fromTerminal) in supervisor.turn(until: nil) {
        forwarding.forward(number, fromTerminal: fromTerminal, to: run.child)
      }
    }
    supervisor.rest()
    var record = pipeline.finish(run, attempts: 1)
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
  mutating func forward(_ number: Int32, fromTerminal: Bool, to child: Child) {
    if !fromTerminal, number == SIGINT || number == SIGTERM {
      requestsToStop += 1
      if requestsToStop > 1 { return child.killNow() }
    }
    child.signal(number)
    // A stopped child would not notice that it is asked to end.
    if number != SIGWINCH { child.signal(SIGCONT) }
  }
}
