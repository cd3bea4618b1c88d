// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

/// The journal and the database of executions.
struct HistoryTests {
  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  init() throws { temporary = try TemporaryHome() }

  private func record(
    _ id: String, at moment: String = "2026-01-01T00:00:00Z", version: String = "1.0.0", delivery: String = "written",
    metrics: String = "{\"a\":0.10}"
  ) -> [UInt8] {
    Array(
      """
      {"request_id":"\(id)","algorithm":"demo/x/\(version)","outcome":"succeeded","timestamp":"\(moment)",\
      "duration_milliseconds":1,"metrics":\(metrics),"delivery":{"state":"\(delivery)"}}
      """.utf8)
  }

  private func lines(_ history: History, _ selection: RunSelection = RunSelection()) throws -> [String] {
    var lines: [String] = []
    try history.forEachLine(selection) { lines.append(String(decoding: $0, as: UTF8.self)) }
    return lines
  }

  private func ids(_ history: History) throws -> [String] {
    var ids: [String] = []
    try history.database.statement("SELECT request_id FROM run ORDER BY id").rows { ids.append($0.text(0)) }
    return ids
  }

  /// Retention must not remove what the tests made up.
  private func importAll() throws -> History {
    let history = try #require(try? History.open(home: home, limits: .init(age: .seconds(3_000_000_000))))
    return history
  }

  @Test("A record is read back with its numbers as they were written")
  func roundTrip() throws {
    try HistoryJournal(home: home).append(record("req-1", metrics: "{\"a\":0.10,\"b\":12345678901234567890}"))
    let line = try #require(try lines(importAll()).first)
    #expect(line.contains("\"metrics\":{\"a\":0.10,\"b\":12345678901234567890}"))
    #expect(line.contains("\"delivery\":{\"state\":\"written\"}}"))
  }

  @Test("A line of another order, with spaces, escapes or repeated members, is imported by what it means")
  func linesOfAnyForm() throws {
    let journal = HistoryJournal(home: home)
    for line in [
      #"{"timestamp":"2026-01-01T01:00:00+01:00","metrics":{"a":1},"outcome":"failed","request_id":"req-1","new":[1]}"#,
      #" { "request_id" : "r\u0065q-2" , "algorithm" : "demo\/x\/1.0.0" , "timestamp" : "2026-01-01T00:00:00Z" } "#,
      #"{"delivery":1,"request_id":"no","request_id":"req-3","timestamp":"2026-01-01T00:00:00Z","metric\u0073":{},"#
        + #""payload":{"x":1},"delivery":{"state":"queued"},"exit_code":0}"#,
      #"{"request_id":"req-4","timestamp":"2026-01-01T00:00:00Z","algorithm":"demo/x","outcome":null}"#,
    ] { try journal.append(Array(line.utf8)) }
    for line in [
      #"{"request_id":"req-5"}"#, #"{"request_id":5,"timestamp":"2026-01-01T00:00:00Z"}"#,
      #"{"request_id":"req-5","timestamp":"yesterday"}"#, #"{"request_id":"req-5","timestamp":"2026-01-01"}}"#, "[]",
    ] { try journal.append(Array(line.utf8)) }
    let history = try importAll()
    var rows: [[String]] = []
    try history.database.statement(
      "SELECT request_id, owner, version, started, outcome, metrics, delivery, record FROM run ORDER BY id"
    ).rows { row in rows.append((0..<8).map { row.text($0) }) }
    #expect(
      rows == [
        [
          "req-1", "", "0", "1767225600000000", "failed", #"{"a":1}"#, "null",
          #"{"timestamp":"2026-01-01T01:00:00+01:00","outcome":"failed","request_id":"req-1","new":[1]}"#,
        ],
        [
          "req-2", "demo", "1000000000000", "1767225600000000", "", "{}", "null",
          #"{"request_id" : "r\u0065q-2","algorithm" : "demo\/x\/1.0.0","timestamp" : "2026-01-01T00:00:00Z"}"#,
        ],
        [
          "req-3", "", "0", "1767225600000000", "", "{}", #"{"state":"queued"}"#,
          #"{"request_id":"no","request_id":"req-3","timestamp":"2026-01-01T00:00:00Z","exit_code":0}"#,
        ],
        [
          "req-4", "", "0", "1767225600000000", "", "{}", "null",
          #"{"request_id":"req-4","timestamp":"2026-01-01T00:00:00Z","algorithm":"demo/x","outcome":null}"#,
        ],
      ])
    #expect(try history.database.integer("SELECT count(*) FROM broken") == 5)
    #expect(try history.database.integer("SELECT executions FROM algorithm WHERE owner = ''") == 3)
  }

  @Test("A segment of many transactions is imported whole and in order")
  func longSegment() throws {
    let journal = HistoryJournal(home: home)
    let padding = String(repeating: "x", count: 1000)
    let expected = (1...3000).map { "req-\($0)" }
    for id in expected { _ = try journal.gather(record(id, metrics: "{\"\(padding)\":1}")) }
    try journal.flush()
    let history = try importAll()
    #expect(try ids(history) == expected)
    #expect(try history.database.integer("SELECT executions FROM algorithm") == 3000)
  }

  /// Segments that no writer holds, each with one line.
  private func makeSegments(_ count: Int) throws {
    try home.create()
    try PrivateFile.makeDirectory(home.historyDirectory)
    for number in 0..<count {
      let moment = "\(WallClock.now())"
      try PrivateFile.replace(
        HistorySegment.path("0000000000000\(1000 + number)-0.journal", in: home),
        with: HistorySegment.encode(record("req-\(number)", at: moment)))
    }
  }

  @Test("The newest segments can be left, and an import that is canceled leaves the rest to the next one")
  func partialImport() throws {
    try makeSegments(5)
    let database = try importAll().database
    try makeSegments(5)
    try HistoryImport(home: home, database: database).run(leaving: 2)
    #expect(HistorySegment.names(in: home).map { $0.prefix(17) } == ["00000000000001003", "00000000000001004"])
    let (turn, home) = (ImportTurn(), home)
    turn.cancel()
    // On a thread of its own, for it lowers the priority.
    try Thread.start { try? History.importJournal(of: home, turn) }.join()
    #expect(HistorySegment.names(in: home).count == 2)
    #expect(try importAll().count(RunSelection()) == 10)
  }

  @Test("An import beside executions gives way to them once few segments wait", arguments: [2, 12])
  func importBesideExecutions(segments: Int) throws {
    try makeSegments(segments)
    #expect(History.isBehind(home) == (segments == 12))
    let (turn, home, before) = (ImportTurn(), home, sched_getscheduler(0))
    let scheduling = try Thread.start {
      try? History.importJournal(of: home, turn)
      return sched_getscheduler(0)
    }.join()
    #expect(turn.givesWay)
    #expect(scheduling == 5, "SCHED_IDLE")
    #expect(sched_getscheduler(0) == before)
    #expect(HistorySegment.names(in: home).isEmpty)
    #expect(try History.open(home: home).count(RunSelection()) == segments)
  }

  @Test("An import beside a process that ends leaves a few segments to readers")
  func fewSegmentsLeft() throws {
    try makeSegments(12)
    for _ in 0..<2 {
      // On a thread of its own, for it lowers the priority.
      try Thread.start { [home] in try? History.importJournal(of: home, leavesFew: true) }.join()
      #expect(HistorySegment.names(in: home).count == 8)
    }
    #expect(!History.isBehind(home))
    #expect(try History.open(home: home).count(RunSelection()) == 12)
  }

  @Test("The checksum is the one of zlib, for any length")
  func checksum() {
    for length in 0..<40 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
      var expected: UInt32 = 0xffff_ffff
      for byte in bytes {
        expected ^= UInt32(byte)
        for _ in 0..<8 { expected = expected & 1 == 1 ? expected >> 1 ^ 0xedb8_8320 : expected >> 1 }
      }
      var sum = CRC32()
      sum.update(Array(bytes.prefix(length / 3)))
      sum.update(Array(bytes.dropFirst(length / 3)))
      #expect(sum.value == ~expected)
    }
  }

  @Test("An imported segment is removed, and importing again adds nothing")
  func importedOnce() throws {
    let journal = HistoryJournal(home: home)
    for number in 1...3 { try journal.append(record("req-\(number)")) }
    // The writer holds its lock, so the segment stays, with its offset.
    #expect(try ids(importAll()) == ["req-1", "req-2", "req-3"])
    #expect(HistorySegment.names(in: home).count == 1)
    try journal.append(record("req-4"))
    #expect(try ids(importAll()) == ["req-1", "req-2", "req-3", "req-4"])
    do {
      let another = HistoryJournal(home: home)
      try another.append(record("req-5"))
    }
    _ = consume journal
    #expect(try ids(importAll()).count == 5)
    #expect(HistorySegment.names(in: home).isEmpty)
    #expect(try importAll().database.integer("SELECT count(*) FROM segment") == 0)
  }

  @Test("A broken line is set aside and counted, and the lines around it are imported")
  func brokenLine() throws {
    try HistoryJournal(home: home).append(record("req-1"))
    let path = HistorySegment.path(HistorySegment.names(in: home)[0], in: home)
    let file = try Descriptor.open(path, flags: O_WRONLY | O_APPEND, mode: 0)
    var damaged = HistorySegment.encode(record("req-2"))
    damaged[40] ^= 1
    try file.writeAll(
      damaged + HistorySegment.encode(record("req-3")) + HistorySegment.encode(record("req-4")).dropLast(9))
    file.close()
    try HistoryJournal(home: home).append(record("req-5"))
    var notices: [String] = []
    let history = try History.open(home: home, limits: .init(age: .seconds(3_000_000_000))) { notices.append($0) }
    #expect(try ids(history) == ["req-1", "req-3", "req-5"])
    #expect(notices.count == 1 && notices[0].contains("2 line(s)"))
  }

  @Test("Importers at the same time insert every line once")
  func concurrentImporters() async throws {
    let home = home
    let expected = 4 * 500
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<500 {
            // A journal each, as from a process each.
            try HistoryJournal(home: home).append(
              HistoryTests.minimal("req-\(writer)-\(number)"))
          }
        }
      }
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<20 {
            _ = try? History.open(home: home, lockWait: .seconds(20), limits: .init(age: .seconds(3_000_000_000)))
          }
        }
      }
      try await group.waitForAll()
    }
    let ids = try ids(importAll())
    #expect(ids.count == expected)
    #expect(Set(ids).count == expected)
  }

  static func minimal(_ id: String) -> [UInt8] {
    Array("{\"request_id\":\"\(id)\",\"outcome\":\"succeeded\",\"timestamp\":\"2026-01-01T00:00:00Z\"}".utf8)
  }

  @Test("A writer never waits for an importer that holds the lock, and loses nothing")
  func refusedLock() throws {
    try HistoryJournal(home: home).append(record("req-1"))
    let path = HistorySegment.path(HistorySegment.names(in: home)[0], in: home)
    let file = try Descriptor.reading(path)
    #expect(file.withNumber { flock($0, LOCK_EX | LOCK_NB) } == 0)
    try HistoryJournal(home: home).append(record("req-2"))
    #expect(HistorySegment.names(in: home).count == 2)
    file.close()
    #expect(try Set(ids(importAll())) == ["req-1", "req-2"])
  }

  @Test("A writer whose segment was removed goes on in another one", arguments: [false, true])
  func removedSegment(isPrepared: Bool) throws {
    let journal = HistoryJournal(home: home)
    if isPrepared { journal.prepare() } else { try journal.append(record("req-1")) }
    unlink(HistorySegment.path(HistorySegment.names(in: home)[0], in: home))
    try journal.append(record("req-2"))
    #expect(try ids(importAll()) == ["req-2"])
  }

  @Test("The 129th segment costs the oldest one, and readers report the loss")
  func tooManySegments() throws {
    try home.create()
    try PrivateFile.makeDirectory(home.historyDirectory)
    for number in 0..<HistorySegment.most {
      let name = "0000000000000\(1000 + number)-0.journal"
      let full = [UInt8](repeating: 10, count: number == HistorySegment.most - 1 ? HistorySegment.longest : 1)
      try PrivateFile.replace(HistorySegment.path(name, in: home), with: full)
    }
    try HistoryJournal(home: home).append(record("req-1"))
    #expect(HistorySegment.names(in: home).count == HistorySegment.most)
    var notices: [String] = []
    _ = try History.open(home: home) { notices.append($0) }
    #expect(notices.contains { $0.hasPrefix("1 segment(s)") })
  }

  @Test("Executions older than 90 days go, and beyond the limit the oldest of the version with the most")
  func retention() throws {
    let journal = HistoryJournal(home: home)
    try journal.append(record("req-old", at: "2025-09-01T00:00:00Z"))
    for number in 1...6 { try journal.append(record("req-a\(number)", at: "2026-01-0\(number)T00:00:00Z")) }
    for number in 1...3 {
      try journal.append(record("req-b\(number)", at: "2025-12-0\(number)T00:00:00Z", version: "2.0.0"))
    }
    let history = try importAll()
    let importer = HistoryImport(home: home, database: history.database)
    let now = try #require(Timestamp(parsing: "2026-01-07T00:00:00Z"))
    try importer.trim(.init(rows: 7, rowsAtOnce: 2), at: now)
    #expect(try ids(history) == ["req-a3", "req-a4", "req-a5", "req-a6", "req-b1", "req-b2", "req-b3"])
  }

  @Test("A queued payload reads as what the outbox knows of it, and as delivered once it is gone")
  func deliveryState() throws {
    let journal = HistoryJournal(home: home)
    for id in ["req-gone", "req-waits", "req-purged", "req-dropped"] {
      try journal.append(record(id, at: "\(WallClock.now())", delivery: "queued"))
    }
    let outbox = try Outbox(home: home)
    let numbers = try outbox.append(sampleEntries(["req-gone", "req-waits", "req-purged"]))
    try outbox.remove([numbers[0]])
    #expect(try outbox.purge(OutboxSelection(states: [.pending], ids: [numbers[2]])) == 1)
    let late = Timestamp(microseconds: WallClock.now().microseconds - 10_000_000)
    try outbox.append([OutboxEntry(sampleRecord("req-dropped"), createdAt: late, window: .zero)])
    _ = try outbox.expire(.drop)
    let states = try lines(importAll()).map { line in
      line.split(separator: "\"delivery\":{\"state\":\"")[1].split(separator: "\"")[0]
    }
    #expect(states == ["dropped", "purged", "queued", "delivered"])
  }

  @Test("Lines that are gathered are written with the next flush, and before they exceed one write")
  func gatheredLines() throws {
    let journal = HistoryJournal(home: home)
    for number in 1...3 { _ = try journal.gather(record("req-\(number)")) }
    #expect(try ids(importAll()).isEmpty)
    try journal.flush()
    #expect(try ids(importAll()) == ["req-1", "req-2", "req-3"])
    let long = String(repeating: "x", count: HistorySegment.longestLine / 2)
    for number in 4...6 { _ = try journal.gather(record("req-\(number)\(long)")) }
    #expect(try ids(importAll()).count == 5)
    try journal.flush()
    #expect(try ids(importAll()).count == 6)
  }

  @Test("A line is refused that is longer than a write may be")
  func longLine() throws {
    #expect(throws: StateError.self) {
      try HistoryJournal(home: home).append([UInt8](repeating: 32, count: HistorySegment.longestLine))
    }
    #expect(try ids(importAll()).isEmpty)
  }

  @Test("A reference selects all versions it matches, and the latest one by number")
  func references() throws {
    let journal = HistoryJournal(home: home)
    for version in ["1.2.0", "1.10.0", "1.9.3", "2.0.0"] {
      try journal.append(record("req-\(version)", version: version))
    }
    let history = try importAll()
    let all = try AlgorithmReference(parsing: "demo/x")
    #expect(
      try history.versions(RunSelection(all)).map(\.description) == [
        "demo/x/1.2.0", "demo/x/1.9.3", "demo/x/1.10.0", "demo/x/2.0.0",
      ])
    let latest = try history.latestVersion(matching: AlgorithmReference(parsing: "demo/x/1"))
    #expect(latest == VersionNumber(major: 1, minor: 10, revision: 0))
    #expect(try history.count(RunSelection(AlgorithmReference(parsing: "demo/x/1.9"))) == 1)
  }
}

extension HistorySegment {
  /// The line of a JSON text, with its newlines.
  fileprivate static func encode(_ json: [UInt8]) -> [UInt8] {
    var line: [UInt8] = []
    append(json, to: &line)
    return line
  }
}
