// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Platform
public import ProcessSupervision
public import RunModel

/// One execution with algo-run to itself, as `exec` runs it: from launch to a payload handed over.
public struct ExecRun {
  private let executor: any Executor
  private let supervisor: Supervisor
  private let loop: EventLoop

  /// A run by `executor`, whose processes `supervisor` watches in turns of `loop`.
  public init(executor: any Executor, supervisor: Supervisor, loop: EventLoop) {
    self.executor = executor
    self.supervisor = supervisor
    self.loop = loop
  }

  /// Runs to the end. `publisher` is called only if the version has Insights enabled, once the child runs: connecting
  /// then takes none of its time. So is `started`, for what else can be done while the child runs. `ended` gets the
  /// record before any wait for its delivery.
  /// Output goes to `output`, or is inherited if that is nil.
  ///
  /// - Throws: why it never started.
  public func run(
    _ request: ExecutionRequest, output: (any OutputReceiver)? = nil, publisher: () -> any PayloadPublisher,
    started: () -> Void, ended: (ExecutionRecord) -> Void
  ) throws(StartFailure) -> ExecutionRecord {
    let id = try executor.start(request, output: output)
    let delivery = request.target.version?.insights == true ? publisher() : nil
    delivery?.prepare()
    started()
    var forwarding = SignalForwarding()
    var completions: [Completion] = []
    while completions.isEmpty {
      loop.turn()
      for signal in supervisor.takeSignals() { forwarding.forward(signal, to: id, of: executor) }
      completions = executor.takeCompletions()
    }
    // A worker ends by itself while its request's payload is delivered.
    executor.close()
    supervisor.dismissGuardian()
    var record = completions[0].record
    if let delivery, let insightsRecord = record.insightsRecord {
      let delivered = delivery.publish(insightsRecord) { stored in
        record.delivery = stored
        ended(record)
      }
      record.delivery = delivered
    } else {
      ended(record)
    }
    while true {
      _ = executor.takeCompletions()
      if executor.isClosed { break }
      loop.turn()
      // The guardian kills the processes that are left.
      if supervisor.takeSignals().contains(where: { $0.number == SIGINT || $0.number == SIGTERM }) { break }
    }
    supervisor.dismissGuardian()
    return record
  }
}

/// Forwards the signals that algo-run gets to the child.
struct SignalForwarding {
  private var requestsToStop = 0

  /// Forwards to the whole group. A second SIGINT or SIGTERM from another process kills it: the first did not help.
  /// Ctrl-C may be pressed as often as the user likes: an interpreter at its prompt takes it for an instruction.
  mutating func forward(_ signal: ReceivedSignal, to id: ExecutionID, of executor: any Executor) {
    let number = signal.number
    if !signal.isFromTerminal, number == SIGINT || number == SIGTERM {
      requestsToStop += 1
      if requestsToStop > 1 { return executor.kill(id) }
    }
    executor.signal(number, to: id)
    // A stopped child would not notice that it is asked to end.
    if number != SIGWINCH { executor.signal(SIGCONT, to: id) }
  }
}
