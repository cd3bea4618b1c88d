internal import Platform
internal import ProcessSupervision
internal import RunModel
internal import RunPipeline

/// A request on its way through its attempts. Owns its capture until the request is finished.
final class Attempt {
  let request: Request
  /// The same for all attempts: it is one execution to whoever reads the results.
  let requestID: String
  let ordinal: Int
  let capture: ChildCapture
  /// Counted from 1.
  private(set) var number = 0
  /// The attempt that runs.
  var run: Run?
  /// What the last attempt came to, while the next one is waited for.
  var record: ExecutionRecord?
  /// How often in a row the system had no process or descriptor for it.
  private(set) var postponements = 0
  /// The wait after the first of them; it doubles.
  static let firstPostponement = Duration.milliseconds(50)
  /// More (25 seconds) are a limit that is not going to pass.
  private static let mostPostponements = 9

  init(request: Request, ordinal: Int, capture: ChildCapture) {
    self.request = request
    self.ordinal = ordinal
    self.capture = capture
    requestID = request.requestID ?? RequestID.random()
  }

  /// Takes back an attempt that the system had no room for, which says nothing about the request.
  ///
  /// - Returns: Whether it is worth waiting for room.
  func postpone(after record: ExecutionRecord) -> Bool {
    guard postponements < Self.mostPostponements else { return false }
    postponements += 1
    number -= 1
    self.record = record
    return true
  }

  /// Launches the next attempt.
  ///
  /// - Returns: Nil once its child runs; else the record of an attempt that never started, and whether the same could
  ///   go well a moment later.
  func launch(by pipeline: RunPipeline, _ settings: BatchSettings) -> (record: ExecutionRecord, isPassing: Bool)? {
    number += 1
    record = nil
    capture.reset()
    var plan = RunRequest(requestID: requestID, version: settings.version, command: settings.command)
    plan.timeLimit = settings.timeLimit
    plan.stopSignal = settings.stopSignal
    plan.grace = settings.grace
    plan.outputs = [OutputPipe(descriptor: 1, to: capture), OutputPipe(descriptor: 2, to: capture)]
    do throws(BatchFailure) {
      plan.standardInput = try request.input.opened(spillDirectory: settings.spillDirectory)
    } catch {
      return (.unstarted(self, settings.version, because: error.description), false)
    }
    do throws(LaunchFailure) {
      run = try pipeline.start(plan)
      postponements = 0
      return nil
    } catch {
      var isPassing = false
      if case .system = error { isPassing = true }
      return (pipeline.unstarted(plan, because: error, attempts: number), isPassing)
    }
  }
}

extension ExecutionRecord {
  /// The record of an attempt for which there was no input.
  static func unstarted(_ attempt: Attempt, _ version: PublishedVersion, because reason: String) -> ExecutionRecord {
    unstarted(requestID: attempt.requestID, version, attempts: attempt.number, because: reason)
  }

  /// The record of a request that could not be tried.
  static func unstarted(
    requestID: String, _ version: PublishedVersion, attempts: Int, because reason: String
  ) -> ExecutionRecord {
    ExecutionRecord(
      requestID: requestID, version: version, outcome: .failedToStart, termination: nil, attempts: attempts,
      timestamp: WallClock.now(), duration: .zero, usage: .none, metrics: .none, payload: nil,
      delivery: Delivery(.insightsOff, detail: "it never started, so there is nothing to publish"), failure: reason)
  }
}
