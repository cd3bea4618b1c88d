// SPDX-License-Identifier: Apache-2.0
import Execution
import RunModel
import Testing

@testable import BatchRun

@Suite struct PendingPayloadsTests {
  private func finished(_ id: String, insights: Bool = true) throws -> FinishedRequest {
    let version = PublishedVersion(
      algorithm: try AlgorithmName(parsing: "demo/test"), version: VersionNumber(major: 1, minor: 0, revision: 0),
      command: ["true"], directory: nil, timeLimit: nil, environment: [], notes: "",
      publishedAt: Timestamp(microseconds: 0), insights: insights)
    var record = ExecutionRecord(
      requestID: id, version: version, ending: .ended(.exited(code: 0)), attempts: 1,
      startedAt: Timestamp(microseconds: 0), duration: .zero, usage: nil, metrics: .none)
    record.payload = Array("{}".utf8)
    let request = Request(
      index: 0, path: "r", line: nil, requestID: id,
      input: HashedInput(bytes: .bytes([]), digest: SHA256().finish(), size: 0), problem: nil)
    return FinishedRequest(request: request, ordinal: 0, record: record, capture: nil)
  }

  @Test func `a request is pending until its payload is durable, and then has the state of its delivery`() throws {
    let queue = ManualQueue()
    var pending = PendingPayloads(queue: queue)
    let (first, second) = (try finished("req-1"), try finished("req-2"))
    #expect(pending.add(first) && pending.add(second))
    #expect(first.record.payload == nil && pending.takeDurable().isEmpty && pending.count == 2)
    queue.durable = [DurablePayload(ticket: 2, delivery: Delivery(.queued))]
    #expect(pending.takeDurable().map(\.record.requestID) == ["req-2"])
    #expect(second.record.delivery == Delivery(.queued) && pending.count == 1)
  }

  @Test func `a request without a payload is not pending`() throws {
    var pending = PendingPayloads(queue: ManualQueue())
    #expect(try !pending.add(finished("req-1", insights: false)))
    var none = PendingPayloads(queue: nil)
    #expect(try !none.add(finished("req-1")))
    #expect(pending.count == 0 && none.count == 0 && none.takeDurable().isEmpty)
  }
}

/// A queue whose payloads become durable when the test lets them.
private final class ManualQueue: PayloadQueue {
  private var lastTicket: UInt64 = 0
  var durable: [DurablePayload] = []
  let counts = PayloadCounts.none

  func enqueue(_ record: InsightsRecord) -> UInt64 {
    lastTicket += 1
    return lastTicket
  }

  func takeDurable() -> [DurablePayload] {
    defer { durable = [] }
    return durable
  }

  func close() {}
}
