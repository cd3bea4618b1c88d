internal import Execution
internal import Platform
internal import RunModel

/// A request on its way through its attempts. Owns its capture until the request is finished.
final class Attempt {
  let request: Request
  let ordinal: Int
  let capture: ChildCapture
  /// What the executor is asked for: with the number of the attempt that runs or comes next.
  private(set) var execution: ExecutionRequest
  /// What the last attempt came to, while the next one is waited for.
  var record: ExecutionRecord?
  /// How often in a row the system had no process or descriptor for it.
  private(set) var postponements = 0
  /// The wait after the first of them; it doubles.
  static let firstPostponement = Duration.milliseconds(50)
  /// More (25 seconds) are a limit that is not going to pass.
  private static let mostPostponements = 9

  init(request: Request, ordinal: Int, capture: ChildCapture, _ settings: BatchSettings) {
    self.request = request
    self.ordinal = ordinal
    self.capture = capture
    execution = ExecutionRequest(
      id: request.requestID ?? RequestID.random(), target: settings.target, limits: settings.limits,
      trace: settings.trace)
    execution.input = request.input.bytes
  }

  /// Puts it off because the system had no room for it, which says nothing about the request.
  ///
  /// - Returns: Whether it is worth waiting for room.
  func postpone(after record: ExecutionRecord) -> Bool {
    guard postponements < Self.mostPostponements else { return false }
    postponements += 1
    self.record = record
    return true
  }

  /// Puts it aside for another attempt.
  func retry(after record: ExecutionRecord) {
    execution.attempt += 1
    self.record = record
  }

  /// Starts the attempt.
  ///
  /// - Throws: why it never started.
  func start(on executor: any Executor) throws(StartFailure) -> ExecutionID {
    record = nil
    capture.reset()
    let id = try executor.start(execution, output: capture)
    postponements = 0
    return id
  }
}
