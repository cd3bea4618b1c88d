// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import StateStore
import Synchronization
import Testing

@testable import Delivery

/// A batch whose file is in a directory that a test makes when it likes.
@Suite(.timeLimit(.minutes(1))) struct FileDeliveryTests {
  private final class Reported: Sendable {
    private let all = Mutex<[DeliveryNotice]>([])
    var notices: [DeliveryNotice] { all.withLock { $0 } }
    func add(_ notice: DeliveryNotice) { all.withLock { $0.append(notice) } }
  }

  private let folder = NSTemporaryDirectory() + "courier-\(UUID().uuidString)"
  private let reported = Reported()

  private func home() throws -> HomeDirectory { try HomeDirectory(path: folder + "/home") }

  private func connection(window: Duration = .seconds(240)) -> Connection {
    var connection = Connection(kind: .file, filePath: folder + "/sink/insights.ndjson")
    connection.deliveryWindow = window
    return connection
  }

  private func mend() throws {
    try FileManager.default.createDirectory(atPath: folder + "/sink", withIntermediateDirectories: true)
  }

  private func lines() throws -> [Substring] {
    try String(contentsOfFile: folder + "/sink/insights.ndjson", encoding: .utf8).split(separator: "\n")
  }

  private func publisher(_ connection: Connection) throws -> DeliveryThread {
    try DeliveryThread(connection: connection, home: home(), waking: EventLoop()) { [reported] in reported.add($0) }
  }

  private func record(_ number: Int) -> InsightsRecord {
    InsightsRecord(key: "req-\(number)", value: Array("{\"n\":\(number)}".utf8), headers: [])
  }

  private func waitUntil(_ condition: () throws -> Bool) rethrows {
    while try !condition(), !Task.isCancelled { usleep(2000) }
  }

  @Test func `more than one group of waiting payloads is written once the file takes lines, each once`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let publisher = try publisher(connection())
    let count = FileDestination.group * 5 / 2
    for number in 1...count { _ = publisher.enqueue(record(number)) }
    // All refused before the file works: otherwise some would be written without waiting.
    var durable = 0
    waitUntil {
      durable += publisher.takeDurable().count
      return durable == count
    }
    #expect(publisher.counts == PayloadCounts(waiting: count, delivered: 0, undelivered: 0))
    try mend()
    waitUntil { publisher.counts.waiting == 0 }
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: count, undelivered: 0))
    let lines = try lines()
    #expect(lines.count == count && Set(lines).count == count)
    #expect(reported.notices.count == 2 && "\(reported.notices[1])".hasPrefix("unblocked"))
    #expect(try Outbox.existing(home: home())?.list().isEmpty == true)
  }

  @Test func `closed while the file takes nothing, it leaves everything pending and unclaimed`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let publisher = try publisher(connection())
    for number in 1...30 { _ = publisher.enqueue(record(number)) }
    // Tried at least once after they were stored.
    try waitUntil { try Outbox.existing(home: home())?.list().contains { $0.attempts > 0 } ?? false }
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 30, delivered: 0, undelivered: 0))
    let left = try Outbox.existing(home: home())?.list() ?? []
    #expect(left.count == 30 && left.allSatisfy { $0.state == .pending && !$0.isClaimed && !$0.possiblyPersisted })
    #expect(reported.notices.count == 1)
  }

  @Test func `payloads of others that are dropped at the end of their window are reported`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try Outbox(home: home())
    try outbox.append((1...3).map { OutboxEntry(record($0), createdAt: WallClock.now(), window: .zero) })
    try mend()
    var connection = connection()
    connection.onExpiry = .drop
    let publisher = try publisher(connection)
    try waitUntil { try outbox.list().isEmpty }
    publisher.close()
    #expect(reported.notices == [.othersDropped(3)])
  }

  @Test func `what other deliverers gave up counts as undelivered, and what they took as delivered`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = TestClock()
    let access = OutboxAccess(home: try home(), isForMany: false)
    let worker = DeliveryWorker(connection(), access, ClosedDestination(because: nil), .everything, clock: clock)
    for number in 1...5 { worker.submit(record(number)) }
    try worker.turn()
    let outbox = try access.open()
    let other = try ClaimOwner(home: home())
    #expect(try outbox.claim(limit: 5, for: other).records.count == 5)
    try outbox.remove([1, 2, 3])
    func look() throws {
      clock.advance(OutboxMaintenance.pause)
      try worker.turn()
    }
    try look()
    #expect(worker.counts == PayloadCounts(waiting: 5, delivered: 0, undelivered: 0), "two are still under way")
    try outbox.record([4, 5].map { FailedAttempt(id: $0, .expire, error: "late") }, of: other)
    try look()
    #expect(worker.counts == PayloadCounts(waiting: 0, delivered: 3, undelivered: 2))
    #expect(worker.takeNotices() == [.givenUpElsewhere(2)])
  }
}
