// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Foundation
import MockKafka
import Platform
import RunModel
import StateStore
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(1))) struct DeliveryThreadTests {
  let loop: EventLoop
  let folder = NSTemporaryDirectory() + "batch-\(UUID().uuidString)"

  init() throws { loop = try EventLoop() }

  private func home() throws -> HomeDirectory { try HomeDirectory(path: folder) }

  private func record(_ number: Int) -> InsightsRecord {
    InsightsRecord(key: "req-\(number)", value: Array("{\"request_id\":\"req-\(number)\"}".utf8), headers: [])
  }

  /// Takes durable payloads until there are enough, by turns of the loop as in a batch.
  private func durable(_ publisher: DeliveryThread, _ count: Int) -> [DurablePayload] {
    var all: [DurablePayload] = []
    while all.count < count, !Task.isCancelled {
      loop.turn(until: .now() + .milliseconds(100))
      all += publisher.takeDurable()
    }
    return all
  }

  private func waitUntil(_ condition: () throws -> Bool) rethrows {
    while try !condition(), !Task.isCancelled { usleep(2000) }
  }

  @Test func `each ticket becomes durable once, and all payloads arrive`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap])
    let publisher = try DeliveryThread(connection: connection, home: try home(), waking: loop) {
      Issue.record("reported \($0)")
    }
    let tickets = (1...5000).map { publisher.enqueue(record($0)) }
    #expect(tickets == Array(1...5000))
    let all = durable(publisher, 5000)
    #expect(all.map(\.ticket).sorted() == tickets)
    #expect(all.allSatisfy { $0.delivery == Delivery(.queued) })
    waitUntil { publisher.counts.waiting == 0 }
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: 5000, undelivered: 0))
    publisher.close()
    #expect(try Outbox.existing(home: home())?.list().isEmpty == true)
  }

  @Test func `closing while the broker is away leaves everything in the outbox, unclaimed`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: ["127.0.0.1:1"])
    let publisher = try DeliveryThread(connection: connection, home: try home(), waking: loop) { _ in }
    for number in 1...300 { _ = publisher.enqueue(record(number)) }
    publisher.close()
    #expect(publisher.takeDurable().count == 300)
    #expect(publisher.counts == PayloadCounts(waiting: 300, delivered: 0, undelivered: 0))
    let left = try Outbox.existing(home: home())?.list(limit: 1000) ?? []
    #expect(left.count == 300 && left.allSatisfy { $0.state == .pending && !$0.isClaimed })
  }

  @Test func `what waits from before is delivered too, and is not counted as the batch's`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let outbox = try Outbox(home: home())
    try outbox.append((1...50).map { OutboxEntry(record($0), window: .seconds(240)) })
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap])
    let publisher = try DeliveryThread(connection: connection, home: try home(), waking: loop) { _ in }
    _ = publisher.enqueue(record(51))
    try waitUntil { try outbox.pendingCount() == 0 }
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: 1, undelivered: 0))
  }

  @Test func `a window that ends during an outage expires its payloads, and they stay for a retry`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var connection = Connection(kind: .plaintext, topic: "insights", brokers: ["127.0.0.1:1"])
    connection.deliveryWindow = .seconds(2)
    let publisher = try DeliveryThread(connection: connection, home: try home(), waking: loop) { _ in }
    for number in 1...40 { _ = publisher.enqueue(record(number)) }
    waitUntil { publisher.counts.undelivered == 40 }
    publisher.close()
    let left = try Outbox.existing(home: home())?.list() ?? []
    #expect(left.count == 40 && left.allSatisfy { $0.state == .expired && !$0.possiblyPersisted })
    #expect(left.first?.lastError?.contains("Connection refused") == true)
  }

  @Test func `a broker that comes back within the window takes everything`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster(brokers: 1)
    try cluster.createTopic("insights")
    try cluster.setDown(1)
    let connection = Connection(kind: .plaintext, topic: "insights", brokers: [cluster.bootstrap])
    let publisher = try DeliveryThread(connection: connection, home: try home(), waking: loop) { _ in }
    for number in 1...500 { _ = publisher.enqueue(record(number)) }
    #expect(durable(publisher, 500).count == 500)
    let outbox = try #require(try Outbox.existing(home: home()))
    try waitUntil { try outbox.outage() != nil }
    try cluster.setUp(1)
    waitUntil { publisher.counts.delivered == 500 }
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: 500, undelivered: 0))
    publisher.close()
    #expect(try outbox.outage() == nil)
  }

  @Test func `without a connection payloads are lines of the file in the home`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let publisher = try DeliveryThread(connection: nil, home: try home(), waking: loop) {
      Issue.record("reported \($0)")
    }
    for number in 1...1000 { _ = publisher.enqueue(record(number)) }
    #expect(durable(publisher, 1000).allSatisfy { $0.delivery == Delivery(.written) })
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: 1000, undelivered: 0))
    let lines = try String(contentsOfFile: folder + "/insights.ndjson", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 1000)
  }

  @Test func `numbers in ranges are found, and others are not`() {
    var ranges = RecordRanges()
    #expect(!ranges.contains(0))
    for id in [3, 4, 5, 9, 10, 20] as [Int64] { ranges.add(id) }
    #expect((0...25).filter { ranges.contains($0) } == [3, 4, 5, 9, 10, 20])
  }
}
