// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import RunModel

/// Finished requests whose payloads are not durable yet: their result lines are not written before.
struct PendingPayloads {
  private let queue: (any PayloadQueue)?
  private var pending: [UInt64: FinishedRequest] = [:]

  /// - Parameter queue: takes the payloads; nil if there are none.
  init(queue: (any PayloadQueue)?) { self.queue = queue }

  /// How many there are.
  var count: Int { pending.count }

  /// Hands over the payload of a finished request.
  ///
  /// - Returns: Whether it has one. Otherwise its result line can be written now.
  mutating func add(_ finished: FinishedRequest) -> Bool {
    guard let queue, let insightsRecord = finished.record.insightsRecord else { return false }
    // From here on the queue holds the payload; a result line has none.
    finished.record.payload = nil
    pending[queue.enqueue(insightsRecord)] = finished
    return true
  }

  /// Takes the requests whose payloads have become durable.
  mutating func takeDurable() -> [FinishedRequest] {
    guard let queue, !pending.isEmpty else { return [] }
    return queue.takeDurable().compactMap { durable in
      let finished = pending.removeValue(forKey: durable.ticket)
      finished?.record.delivery = durable.delivery
      return finished
    }
  }
}
