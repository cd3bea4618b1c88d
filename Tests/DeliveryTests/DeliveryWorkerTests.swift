// SPDX-License-Identifier: Apache-2.0
import Foundation
import KafkaClient
import RunModel
import StateStore
import Testing

@testable import Delivery

/// The worker with a destination that a test scripts and a clock that it moves.
@Suite(.timeLimit(.minutes(1))) struct DeliveryWorkerTests {
  private final class ScriptedDestination: Destination {
    var capacity = 100
    var problem: DestinationProblem?
    let answersAtOnce = false
    private(set) var sent: [Int64] = []
    /// The events of the next poll.
    var events: [ProducerEvent] = []

    func send(_ id: Int64, _ record: InsightsRecord) -> Handover {
      sent.append(id)
      return .taken
    }

    func poll() -> [ProducerEvent] {
      defer { events = [] }
      return events
    }

    func reclaim() -> [ProducerEvent] { [] }
    func reopen(quarterings: Int) {}
  }

  private let folder = NSTemporaryDirectory() + "worker-\(UUID().uuidString)"
  private let clock = TestClock()
  private let destination = ScriptedDestination()

  private func worker(_ onExpiry: Connection.OnExpiry = .keep) throws -> (DeliveryWorker, OutboxAccess) {
    let access = OutboxAccess(home: try HomeDirectory(path: folder), isForMany: false)
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: ["b:1"], onExpiry: onExpiry)
    return (DeliveryWorker(connection, access, destination, .everything, clock: clock), access)
  }

  private func submit(_ count: Int, to worker: DeliveryWorker) {
    for number in 1...count {
      worker.submit(InsightsRecord(key: "req-\(number)", value: Array("{}".utf8), headers: []))
    }
  }

  @Test func `an acknowledgement reported behind a fatal error counts, and the record is not sent again`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (worker, access) = try worker()
    submit(2, to: worker)
    try worker.turn()
    let fatal = KafkaCause(code: -150, text: "fatal")
    destination.events = [.fatal(fatal), .acknowledged(1), .failed(2, fatal, mayBePersisted: false)]
    try worker.turn()
    clock.advance(.seconds(20))
    try worker.turn()
    #expect(destination.sent == [1, 2, 2])
    #expect(worker.counts == PayloadCounts(waiting: 1, delivered: 1, undelivered: 0))
    #expect(try access.open().list().map(\.id) == [2])
  }

  @Test func `records that another process may have dropped are not counted as delivered`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    destination.capacity = 0
    let (worker, access) = try worker(.drop)
    submit(3, to: worker)
    try worker.turn()
    clock.advance(Connection.standardDeliveryWindow)
    // Another process ends their windows, and nothing is left of them.
    #expect(try access.open().expire(at: clock.now, .drop).count == 3)
    try worker.turn()
    #expect(worker.counts == PayloadCounts(waiting: 0, delivered: 0, undelivered: 3))
  }

  @Test func `an owner that waits for acknowledgements need not wait until they are removed from the outbox`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (worker, access) = try worker()
    submit(1, to: worker)
    try worker.turn()
    #expect(!worker.hasSentAll)
    destination.events = [.acknowledged(1)]
    try worker.turn()
    #expect(worker.hasSentAll)
    #expect(!worker.isIdle)
    try worker.close()
    #expect(try access.open().list().isEmpty)
  }
}
