import Foundation
import Platform
import RunModel
import StateStore
import Synchronization
import Testing

@testable import Delivery

/// A batch whose file is in a directory that a test makes when it likes.
@Suite(.timeLimit(.minutes(1))) struct FileCourierTests {
  private final class Told: Sendable {
    private let all = Mutex<[String]>([])
    var lines: [String] { all.withLock { $0 } }
    func say(_ line: String) { all.withLock { $0.append(line) } }
  }

  private let folder = NSTemporaryDirectory() + "courier-\(UUID().uuidString)"
  private let told = Told()

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

  private func publisher(_ connection: Connection) throws -> BatchPublisher {
    BatchPublisher(connection: connection, home: try home()) { [told] in told.say($0) }
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
    let count = FileCourier.claimGroup * 5 / 2
    for number in 1...count { _ = publisher.enqueue(record(number)) }
    // All refused before the file works: otherwise some would be written without waiting.
    var settled = 0
    waitUntil {
      settled += publisher.takeSettled().count
      return settled == count
    }
    #expect(publisher.counts == PayloadCounts(waiting: count, delivered: 0, lost: 0))
    try mend()
    waitUntil { publisher.counts.waiting == 0 }
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 0, delivered: count, lost: 0))
    let lines = try lines()
    #expect(lines.count == count && Set(lines).count == count)
    #expect(told.lines.count == 2 && told.lines.last == "the file can be written again")
    #expect(try Outbox.existing(home: home())?.list().isEmpty == true)
  }

  @Test func `closed while the file takes nothing, it leaves everything pending and held by nobody`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let publisher = try publisher(connection())
    for number in 1...30 { _ = publisher.enqueue(record(number)) }
    // Tried at least once after they were stored.
    try waitUntil { try Outbox.existing(home: home())?.list().contains { $0.attempts > 0 } ?? false }
    publisher.close()
    #expect(publisher.counts == PayloadCounts(waiting: 30, delivered: 0, lost: 0))
    let left = try Outbox.existing(home: home())?.list() ?? []
    #expect(left.count == 30 && left.allSatisfy { $0.state == .pending && !$0.isClaimed && !$0.possiblyPersisted })
    #expect(told.lines.count == 1)
  }

  @Test func `payloads of others that are dropped at the end of their window are told`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try Outbox(home: home())
    try outbox.append((1...3).map { OutboxEntry(record($0), createdAt: WallClock.now(), window: .zero) })
    try mend()
    var connection = connection()
    connection.onExpiry = .drop
    let publisher = try publisher(connection)
    try waitUntil { try outbox.list().isEmpty }
    publisher.close()
    #expect(told.lines.count == 1 && told.lines.first?.hasPrefix("3 earlier payload(s) were dropped") == true)
  }

  @Test func `what other deliverers gave up of a batch counts as lost, and what they took as delivered`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outbox = try Outbox(home: home())
    let counts = Mutex((delivered: 0, lost: 0))
    let records = BatchRecords(connection: connection(), say: { [told] in told.say($0) }) { change in
      counts.withLock { counts in
        switch change {
        case .delivered(let count): counts.delivered += count
        case .lost(let count), .left(let count): counts.lost += count
        }
      }
    }
    let other = try DelivererToken(home: home())
    let numbers = try outbox.append((1...5).map { OutboxEntry(record($0), window: .seconds(240)) }, claimedBy: other)
    records.add(numbers)
    try records.care(for: outbox, isIdle: false)
    #expect(records.waiting == 5)
    try outbox.remove(Array(numbers[..<3]))
    try outbox.expire(numbers[3...].map { FailedAttempt(id: $0, error: "late") }, of: other)
    let later = BatchRecords(connection: connection(), say: { _ in }) { _ in }
    later.add(numbers)
    try later.care(for: outbox, isIdle: false)
    #expect(later.waiting == 5, "what is under way is not known yet")
    waitUntil {
      try? records.care(for: outbox, isIdle: true)
      return records.waiting == 0
    }
    #expect(counts.withLock { $0.delivered } == 3 && counts.withLock { $0.lost } == 2)
    #expect(told.lines.count == 1)
  }
}
