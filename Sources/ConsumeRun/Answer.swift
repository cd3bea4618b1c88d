// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import RunModel

/// A request that has ended, until its result is committed.
final class Answer {
  /// Why its request is also a dead letter.
  enum DeadReason: String {
    case failed
    case tooLarge = "too_large"
    case crashedSupervisor = "crashed_supervisor"
    case undecodable
  }

  let request: IncomingRequest
  let record: ExecutionRecord
  /// Nil if the result was not kept: it is too large for any topic.
  let result: StoredBytes?
  let resultSize: Int
  let deadReason: DeadReason?

  init(
    _ request: IncomingRequest, _ record: ExecutionRecord, result: StoredBytes?, resultSize: Int,
    deadReason: DeadReason?
  ) {
    self.request = request
    self.record = record
    self.result = result
    self.resultSize = resultSize
    self.deadReason = deadReason
  }
}
