// SPDX-License-Identifier: Apache-2.0
public import ProcessSupervision
public import RunModel

/// Carries out executions, as many at a time as it has slots: one child for each, or workers that take many.
///
/// It works in the turns of an event loop. Its owner takes completions after each turn.
public protocol Executor: AnyObject {
  /// Executions that could be started now.
  var freeSlots: Int { get }
  /// Starts an execution. Its output goes to `output`, or is inherited if that is nil.
  ///
  /// - Throws: why it never started; nothing is left of the attempt.
  func start(_ request: ExecutionRequest, output: (any OutputReceiver)?) throws(StartFailure) -> ExecutionID
  /// Sends a signal to the process group of an execution.
  func signal(_ number: Int32, to id: ExecutionID)
  /// Begins the stop sequence of an execution: its stop signal, and SIGKILL after its grace period.
  func stop(_ id: ExecutionID)
  /// The same for an execution that is canceled.
  func cancel(_ id: ExecutionID)
  /// Ends an execution immediately.
  func kill(_ id: ExecutionID)
  /// The executions that began since the last call: a child runs, or a worker has the request.
  func takeStarts() -> [ExecutionID]
  /// Whether an execution waits for a worker.
  func isWaiting(_ id: ExecutionID) -> Bool
  /// The executions that have ended since the last call.
  func takeCompletions() -> [Completion]
  /// Messages about its workers since the last call.
  func takeNotices() -> [String]
  /// Lines of metrics that came after the end of their execution.
  var lateMetrics: Int { get }
  /// Why it can start nothing any more; nil as long as it can.
  var failure: StartFailure? { get }
  /// Begins to end its workers. Called once, when no execution runs any more.
  func close()
  /// Whether nothing is left of it. After ``close()``, its owner turns the loop until then.
  var isClosed: Bool { get }
}

/// An executor that keeps nothing between executions.
extension Executor {
  /// Each of them runs.
  public func isWaiting(_ id: ExecutionID) -> Bool { false }
  /// None.
  public func takeNotices() -> [String] { [] }
  /// None.
  public var lateMetrics: Int { 0 }
  /// None.
  public var failure: StartFailure? { nil }
  /// There is nothing to end.
  public func close() {}
  /// Nothing was kept.
  public var isClosed: Bool { true }
}

/// Identifies a running execution of one executor.
public struct ExecutionID: Hashable, Sendable {
  private let number: UInt64

  /// The identifier with a number that is not used again.
  public init(_ number: UInt64) { self.number = number }
}

/// An execution that has ended.
public struct Completion: Sendable {
  /// The return value of ``Executor/start(_:output:)``.
  public let id: ExecutionID
  /// The observation.
  public let record: ExecutionRecord

  /// The end of an execution.
  public init(id: ExecutionID, record: ExecutionRecord) {
    self.id = id
    self.record = record
  }
}
