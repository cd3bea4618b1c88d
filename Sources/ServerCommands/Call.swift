// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import HTTPService
internal import Platform
internal import ProcessSupervision
internal import RequestDispatch
internal import RunModel
internal import StateStore

/// One call from its admission until an hour after its end.
final class Call: JobOutput {
  enum State {
    case queued
    case running
    /// It ran, or could not start.
    case ended(ExecutionRecord)
    /// It never started: its time limit came first, or it was canceled.
    case expired, canceled
  }

  let id: String
  let version: PublishedVersion
  let parameters: CallParameters
  let output: CallOutput
  let submittedAt = MonotonicInstant.now()
  var state = State.queued
  var job: JobID?
  /// When its execution began; nil before.
  private(set) var startedAt: MonotonicInstant?
  /// Takes the news that it began.
  weak var service: CallService?
  /// The caller's own identifier of the request, which goes on the record.
  var clientRequestID: String?
  var input: CallInput
  /// The limit of waiting and running together, once it is submitted.
  var timeLimit: Duration?
  /// Its Idempotency-Key, once it is accepted.
  var claim: IdempotencyStore.Claim?
  /// Whether its caller left.
  var isAbandoned = false
  /// The exchange that awaits the answer; nil for output=void, and if the caller left.
  var exchange: HTTPExchange?
  /// Called once when it has ended and its payload is durable.
  var onEnd: (() -> Void)?
  var endedAt: MonotonicInstant?
  /// The members that its answer and its description share, once they were made.
  var members: EncodedResult?

  init(
    id: String, version: PublishedVersion, parameters: CallParameters, input: CallInput, outputLimit: Int,
    directory: String
  ) {
    self.id = id
    self.version = version
    self.parameters = parameters
    self.input = input
    output = CallOutput(limit: outputLimit, directory: directory)
  }

  /// Whether it came to its end, and its payload is durable.
  var hasEnded: Bool { endedAt != nil }

  /// Whether an execution took place.
  var ran: Bool {
    guard case .ended(let record) = state else { return false }
    if case .failedToStart = record.ending { return false }
    return true
  }

  /// Time that it waited for its execution to begin; nil if it still waits.
  var queueTime: Duration? { startedAt.map { $0 - submittedAt } }

  // MARK: JobOutput

  var isLost: Bool { output.isLost }

  func reset() { output.reset() }

  func began() {
    guard startedAt == nil else { return }
    startedAt = .now()
    if case .queued = state { state = .running }
    service?.began(self)
  }

  func receive(_ piece: UnsafeRawBufferPointer, from descriptor: Int32) { output.receive(piece, from: descriptor) }
}
