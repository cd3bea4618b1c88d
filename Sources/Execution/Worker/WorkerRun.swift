// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import ProcessSupervision
internal import RunModel

/// One request of a ``WorkerPool``: waiting for a worker, or with the worker that runs it.
final class WorkerRun {
  /// More workers than this do not end before they have read a request.
  static let mostHandovers = 3

  let id: ExecutionID
  let request: ExecutionRequest
  let output: (any OutputReceiver)?
  let input: RunInput
  /// The worker that has it; nil while it waits.
  weak var worker: Worker?
  /// Workers that ended before they had read it.
  var handovers = 0
  var isCanceled = false
  /// A signal was sent to end it: no other worker takes it.
  var isStopped = false

  // The following properties are set when the request is sent.
  var number = 0
  var metrics: RequestMetrics?
  var startedAt = MonotonicInstant.now()
  var launchedAt = Timestamp(microseconds: 0)
  var deadline: MonotonicInstant?
  var cpuBefore: Duration?
  /// The process that runs it alone.
  var fork: Child?
  var answer: Answer?
  var answeredAt: MonotonicInstant?
  var resultType: String?
  /// The beginning of the message of an error.
  var message: [UInt8] = []

  enum Answer { case done, fail(type: String) }

  init(id: ExecutionID, request: ExecutionRequest, output: (any OutputReceiver)?, input: RunInput) {
    self.id = id
    self.request = request
    self.output = output
    self.input = input
  }

  /// The ending that follows from the answer; nil without an answer.
  var answeredEnding: Ending? {
    switch answer {
    case nil: nil
    case .done: .answered
    case .fail(let type):
      .raised(
        AlgorithmError(
          type: type, message: String(decoding: message.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)))
    }
  }
}
