// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Foundation
import KafkaClient
import MockKafka
import Platform
import RunModel
import StateStore
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(1))) struct OutboxDeliveryTests {
  let folder = NSTemporaryDirectory() + "deliver-\(UUID().uuidString)"

  private func home() throws -> HomeDirectory { try HomeDirectory(path: folder) }

  private func fill(_ count: Int, window: Duration = .seconds(240)) throws -> Outbox {
    let outbox = try Outbox(home: home())
    try outbox.append(
      (1...count).map { number in
        OutboxEntry(
          InsightsRecord(key: "req-\(number)", value: Array("{\"n\":\(number)}".utf8), headers: []), window: window)
      })
    return outbox
  }

  private func deliver(_ connection: Connection?) throws -> DeliveryTotals {
    try OutboxDelivery(home: home(), readConnection: { () throws(StateError) in connection }) { _ in }
      .run(follows: false) { Task.isCancelled }
  }

  @Test func `everything that waits is delivered, and then it ends`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let outbox = try fill(3000)
    let figures = try deliver(Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap]))
    #expect(figures.delivered == 3000 && figures.isComplete)
    #expect(try outbox.list().isEmpty)
  }

  @Test func `to a file it delivers too`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try fill(20)
    #expect(try deliver(nil).delivered == 20)
    let lines = try String(contentsOfFile: folder + "/insights.ndjson", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 20)
  }

  @Test func `what another living process holds is left to it`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try fill(5)
    let other = try ClaimOwner(home: home())
    #expect(try outbox.claim(limit: 2, for: other).records.count == 2)
    let figures = try deliver(nil)
    #expect(figures.delivered == 3 && figures.elsewhere == 2 && !figures.isComplete)
    withExtendedLifetime(other) {}
  }

  @Test func `what is still denied at the window's end is rejected`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    // As a broker that allows Describe and not Write. Topic metadata with this error would not do: the mock cluster of
    // librdkafka 2.0.2 lists the partitions beside it, which no broker does, and the library then waits for a leader.
    try cluster.failProducing(
      [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, count: 999))
    let outbox = try fill(3)
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap])
    let loop = try EventLoop()
    let clock = TestClock()
    let end = clock.now + connection.deliveryWindow
    let worker = DeliveryWorker(
      connection, OutboxAccess(home: try home(), isForMany: true),
      KafkaDestination(connection, traffic: .many, waker: loop.waker), .outbox, clock: clock)
    while worker.totals.rejected + worker.totals.expired < 3, !Task.isCancelled {
      try worker.turn()
      // Time passes while the records wait for their next attempt, and not while the broker has them.
      if worker.isIdle { clock.advance(.milliseconds(100)) } else { loop.turn(until: .now() + .seconds(1)) }
      #expect(worker.totals.rejected == 0 || clock.now >= end)
    }
    try worker.close()
    #expect(worker.totals.delivered == 0 && worker.totals.rejected == 3)
    let rejected = try outbox.list(states: [.rejected])
    #expect(rejected.count == 3 && rejected.allSatisfy { $0.attempts > 20 })
  }

  @Test func `a batch that is too large for the broker is divided, and none of its records is rejected`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    try cluster.failProducing([RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    let outbox = try fill(500)
    let figures = try deliver(Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap]))
    #expect(figures.delivered == 500 && figures.isComplete)
    #expect(try outbox.list().isEmpty)
  }

  @Test func `a fatal error of the producer is survived by a new one`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    // A broker that lost its data: the sequence number is not the one it expects.
    try cluster.failProducing([RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER])
    let outbox = try fill(100)
    let figures = try deliver(Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap]))
    #expect(figures.delivered == 100 && figures.isComplete)
    #expect(try outbox.list().isEmpty)
  }

  @Test func `stopping leaves pending records in the outbox, unclaimed`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try fill(30)
    let away = Connection(kind: .plaintext, topic: "insights", brokers: ["127.0.0.1:1"])
    let deliverer = try OutboxDelivery(home: home(), readConnection: { () throws(StateError) in away }) { _ in }
    let figures = try deliverer.run(follows: true) { (try? outbox.outage()) != nil || Task.isCancelled }
    #expect(figures.waiting == 30 && !figures.isComplete)
    #expect(try outbox.list().allSatisfy { $0.state == .pending && !$0.isClaimed })
  }
}
