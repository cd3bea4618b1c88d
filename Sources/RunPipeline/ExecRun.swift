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
      for case .signal(let number) in supervisor.turn(until: nil) { forwarding.forward(number, to: run.child) }
    }
    supervisor.rest()
    var record = pipeline.finish(run, attempts: 1)
    if let delivery, let publication = pipeline.publication(of: record) {
      record.delivery = delivery.publish(publication)
    }
    return record
  }
}

/// What becomes of a signal sent to algo-run: it is the child's.
struct SignalForwarding {
  private var requestsToStop = 0

  /// Forwards to the whole group; a second SIGINT or SIGTERM means that asking was not enough.
  mutating func forward(_ number: Int32, to child: Child) {
    if number == SIGINT || number == SIGTERM { requestsToStop += 1 }
    if requestsToStop > 1, number == SIGINT || number == SIGTERM {
      child.killNow()
    } else {
      child.signal(number)
      // A stopped child would not notice that it is asked to end.
      if number != SIGWINCH { child.signal(SIGCONT) }
    }
  }
}
