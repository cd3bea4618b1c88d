// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Foundation
import MockKafka
import Platform
import RunModel
import StateStore
import Testing

@testable import Delivery

@Suite(.timeLimit(.minutes(1))) struct ExecDeliveryTests {
  let folder = NSTemporaryDirectory() + "exec-\(UUID().uuidString)"

  private func home() throws -> HomeDirectory { try HomeDirectory(path: folder) }

  private func record(_ key: String = "req-1") -> InsightsRecord {
    InsightsRecord(key: key, value: Array("{\"request_id\":\"\(key)\"}".utf8), headers: [.init("ce_id", key)])
  }

  private func connection(_ bootstrap: String, wait: Duration = .seconds(10)) -> Connection {
    Connection(kind: .plaintext, topic: "insights", brokers: [bootstrap], deliveryWait: wait)
  }

  private func pending() throws -> [OutboxListing] { try Outbox.existing(home: home())?.list(states: [.pending]) ?? [] }

  @Test func `without a connection the payload is a line of the file in the home`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let publisher = ExecDelivery(connection: nil, home: try home()) { Issue.record("reported \($0)") }
    publisher.prepare()
    #expect(publisher.publish(record()) == Delivery(.written))
    #expect(try String(contentsOfFile: folder + "/insights.ndjson", encoding: .utf8) == "{\"request_id\":\"req-1\"}\n")
    #expect(!FileManager.default.fileExists(atPath: folder + "/outbox.db"))
  }

  @Test func `a file that cannot be written leaves the payload in the outbox and one notice with the reason`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var reported: [DeliveryNotice] = []
    let sink = Connection(kind: .file, filePath: folder + "/none/insights.ndjson")
    let publisher = ExecDelivery(connection: sink, home: try home()) { reported.append($0) }
    #expect(publisher.publish(record()).state == .queued)
    #expect(reported.count == 1 && "\(reported[0])".contains("does not exist"))
    #expect(try pending().map(\.key) == ["req-1"])
  }

  @Test func `a file that takes lines again takes what waits as well`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Outbox(home: home()).append([OutboxEntry(record("old"), window: .seconds(240))])
    let publisher = ExecDelivery(connection: nil, home: try home()) { Issue.record("reported \($0)") }
    #expect(publisher.publish(record()) == Delivery(.written))
    let lines = try String(contentsOfFile: folder + "/insights.ndjson", encoding: .utf8).split(separator: "\n")
    #expect(lines == ["{\"request_id\":\"req-1\"}", "{\"request_id\":\"old\"}"])
    #expect(try pending().isEmpty)
  }

  @Test func `an acknowledged payload leaves nothing in the outbox and nothing to report`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let publisher = ExecDelivery(connection: connection(cluster.bootstrap), home: try home()) {
      Issue.record("reported \($0)")
    }
    publisher.prepare()
    #expect(publisher.publish(record()) == Delivery(.delivered))
    #expect(try Outbox.existing(home: home())?.list().isEmpty == true)
  }

  @Test func `a broker that is away leaves the payload queued, and the next execution does not wait at all`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var reported: [DeliveryNotice] = []
    let away = connection("127.0.0.1:1", wait: .milliseconds(400))
    let first = ExecDelivery(connection: away, home: try home()) { reported.append($0) }
    #expect(first.publish(record()).state == .queued)
    #expect(reported.count == 1 && "\(reported[0])".contains("Connection refused"))
    #expect(try Outbox.existing(home: home())?.outage()?.isKnown(at: WallClock.now()) == true)

    // One that waited would have it in its detail.
    let second = ExecDelivery(connection: connection("127.0.0.1:1", wait: .seconds(20)), home: try home()) {
      reported.append($0)
    }
    second.prepare()
    let delivery = second.publish(record("req-2"))
    #expect(delivery.state == .queued && delivery.detail?.contains("has been down since") == true)
    #expect(try pending().map(\.key) == ["req-1", "req-2"])
    #expect(try pending().allSatisfy { !$0.isClaimed || $0.key == "req-2" })
  }

  @Test func `a delivery that does not wait reports nothing about a broker that is up`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let publisher = ExecDelivery(connection: connection(cluster.bootstrap, wait: .zero), home: try home()) { _ in }
    // A quick broker may have acknowledged it while it was taken back.
    let state = publisher.publish(record()).state
    let waiting = try pending().count
    #expect(state == .delivered && waiting == 0 || state == .queued && waiting == 1)
    #expect(try Outbox.existing(home: home())?.outage() == nil)
  }

  @Test func `even in an outage windows end and the retention is kept`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try Outbox(home: home())
    let past = WallClock.now() + .seconds(-600)
    try outbox.append((1...5).map { OutboxEntry(record("old-\($0)"), createdAt: past, window: .seconds(240)) })
    try outbox.noteOutage(until: WallClock.now() + .seconds(60), error: "gone")
    var away = connection("127.0.0.1:1")
    away.retention = .init(age: .seconds(3600), records: 2)
    #expect(ExecDelivery(connection: away, home: try home()) { _ in }.publish(record()).state == .queued)
    #expect(try pending().map(\.key) == ["req-1"])
    #expect(try outbox.list(states: [.expired]).count == 2)
  }

  @Test func `earlier payloads that it finds at the end of their window and drops are reported, kept ones are not`()
    throws
  {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try Outbox(home: home())
    let past = WallClock.now() + .seconds(-600)
    try outbox.noteOutage(until: WallClock.now() + .seconds(60), error: "gone")
    var away = connection("127.0.0.1:1")
    for (onExpiry, count) in [(Connection.OnExpiry.drop, 1), (.keep, 0)] {
      away.onExpiry = onExpiry
      try outbox.append((1...5).map { OutboxEntry(record("old-\($0)"), createdAt: past, window: .seconds(240)) })
      var reported: [DeliveryNotice] = []
      #expect(
        ExecDelivery(connection: away, home: try home()) { reported.append($0) }.publish(record()).state == .queued)
      #expect(reported.filter { $0 == .othersDropped(5) }.count == count && reported.count == 1 + count)
    }
    #expect(try outbox.list(states: [.expired]).count == 5)
  }

  @Test func `what an earlier execution left is delivered beside the payload of the next`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let outbox = try Outbox(home: home())
    try outbox.append((1...150).map { OutboxEntry(record("old-\($0)"), window: .seconds(240)) })
    let publisher = ExecDelivery(connection: connection(cluster.bootstrap), home: try home()) { _ in }
    #expect(publisher.publish(record()) == Delivery(.delivered))
    #expect(try pending().count == 150 - ExecDelivery.othersAtMost)
  }

  @Test func `after an outage has lapsed one answer ends it`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    let outbox = try Outbox(home: home())
    try outbox.noteOutage(until: WallClock.now(), error: "gone")
    let publisher = ExecDelivery(connection: connection(cluster.bootstrap), home: try home()) { _ in }
    #expect(publisher.publish(record()) == Delivery(.delivered))
    #expect(try outbox.outage() == nil)
  }

  @Test func `a payload that the broker never takes is rejected with the reason`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let cluster = try MockCluster()
    try cluster.createTopic("insights")
    try cluster.failProducing([RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    var reported: [DeliveryNotice] = []
    let publisher = ExecDelivery(connection: connection(cluster.bootstrap), home: try home()) { reported.append($0) }
    let delivery = publisher.publish(record())
    #expect(delivery.state == .rejected && delivery.detail?.contains("too large") == true)
    #expect(reported.count == 1)
    #expect(try Outbox.existing(home: home())?.list(states: [.rejected]).count == 1)
  }

  @Test func `a damaged outbox is set aside with one notice, and the payload is stored in a new one`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try home().create()
    try Data(repeating: 0x55, count: 8192).write(to: URL(fileURLWithPath: folder + "/outbox.db"))
    var reported: [DeliveryNotice] = []
    let publisher = ExecDelivery(connection: connection("127.0.0.1:1", wait: .milliseconds(1)), home: try home()) {
      reported.append($0)
    }
    publisher.prepare()
    #expect(publisher.publish(record()).state == .queued)
    #expect(reported.count == 2 && "\(reported[0])".contains("outboxRecovered"))
    #expect(try pending().map(\.key) == ["req-1"])
  }

  @Test func `an outbox that cannot be opened costs one notice, and the payload is in the fallback file`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder + "/outbox.db", withIntermediateDirectories: true)
    var reported: [DeliveryNotice] = []
    let publisher = ExecDelivery(connection: connection("127.0.0.1:1"), home: try home()) { reported.append($0) }
    publisher.prepare()
    #expect(publisher.publish(record()).state == .queued)
    #expect(reported.count == 1 && "\(reported[0])".contains("insights-fallback.ndjson"))
    #expect(try FallbackFile.count(in: home()) == 1)
  }

  @Test func `a password that is not where it should be costs no payload and is reported once`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var reported: [DeliveryNotice] = []
    let authentication = Connection.Authentication(
      mechanism: .plain, username: "u", password: .environment("ALGO_RUN_TEST_UNSET"))
    let secure = Connection(
      kind: .saslSSL, topic: "insights", brokers: ["127.0.0.1:1"], authentication: authentication)
    let publisher = ExecDelivery(connection: secure, home: try home()) { reported.append($0) }
    #expect(publisher.publish(record()).state == .queued)
    #expect(reported.count == 1 && "\(reported[0])".contains("ALGO_RUN_TEST_UNSET"))
    #expect(try pending().count == 1)
  }
}

extension ExecDelivery {
  /// Without a look at what becomes of it before the wait.
  fileprivate func publish(_ record: InsightsRecord) -> Delivery { publish(record) { _ in } }
}
