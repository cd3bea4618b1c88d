// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Synchronization
import Testing

@testable import StateStore

/// A reader and an import that does not get far: its thread is starved, or its process was stopped.
struct HistoryTakeoverTests {
  @Test("Wherever an import stops between transactions, a reader has each line once, also when the import continues")
  func stopBetweenTransactions() throws {
    var place = 0
    while try stops(at: place) { place += 1 }
    #expect(place > 10, "so many steps has an import of three segments")
  }

  /// Stops an import at one of its steps, reads, and lets it continue.
  ///
  /// - Returns: false if it has no such step.
  private func stops(at place: Int) throws -> Bool {
    let temporary = try TemporaryHome()
    let home = temporary.home
    var journal = HistoryJournal(home: home)
    var expected: Set<String> = []
    func write(_ count: Int) throws {
      for _ in 0..<count {
        let id = "req-\(expected.count)"
        expected.insert(id)
        _ = try journal.gather(line(id))
      }
      try journal.flush()
    }
    try write(1)
    _ = try History.open(home: home)
    // More than one transaction, so that the import stops within a segment as well.
    try write(1200)
    for _ in 0..<2 {
      journal = HistoryJournal(home: home)
      try beginSegment(journal, home)
      try write(10)
    }
    #expect(HistorySegment.names(in: home).count == 3)

    let stop = Stop(at: place)
    let importing = try Platform.Thread.start { () -> String? in
      defer { stop.end() }
      do {
        guard let database = try SQLiteDatabase(path: home.historyDatabase, busyTimeout: .zero) else {
          return "no file"
        }
        let importer = HistoryImport(home: home, database: database, mayContinue: stop.pass)
        try importer.run()
        try importer.trim()
        return nil
      } catch { return "\(error)" }
    }
    let isStopped = stop.isReached()
    if isStopped {
      var notices: [String] = []
      let history = try History.open(home: home, lockWait: .zero) { notices.append($0) }
      #expect(notices.isEmpty)
      try expect(expected, in: history, stop: place)
      // All is imported that no writer holds.
      try awaitSegments(1, home) { _ = try History.open(home: home) }
      // Lines that come before it continues.
      try write(10)
    }
    stop.resume()
    #expect(importing.join() == nil)
    try expect(expected, in: History.open(home: home), stop: place)
    try awaitSegments(1, home) { _ = try History.open(home: home) }
    return isStopped
  }

  /// Imports until `count` segments are left. A child that another test starts has the lock of a segment until its exec.
  private func awaitSegments(_ count: Int, _ home: HomeDirectory, _ importing: () throws -> Void) throws {
    let deadline = MonotonicInstant.now() + .seconds(60)
    repeat { try importing() } while HistorySegment.names(in: home).count != count && .now() < deadline
    #expect(HistorySegment.names(in: home).count == count)
  }

  private func expect(_ expected: Set<String>, in history: History, stop place: Int) throws {
    var ids: [String] = []
    try history.database.statement("SELECT request_id FROM run").rows { ids.append($0.text(0)) }
    #expect(ids.count == expected.count && Set(ids) == expected, "stopped at step \(place)")
    #expect(try history.database.integer("SELECT sum(executions) FROM algorithm") == Int64(expected.count))
    #expect(try history.database.integer("SELECT count(*) FROM broken") == 0)
  }

  private func line(_ id: String) -> [UInt8] {
    let padding = String(repeating: "x", count: 1000)
    return Array(
      "{\"request_id\":\"\(id)\",\"outcome\":\"succeeded\",\"timestamp\":\"\(WallClock.now())\",\"x\":\"\(padding)\"}"
        .utf8)
  }

  /// Has a journal write to a segment behind those that are there, which no writer holds.
  private func beginSegment(_ journal: HistoryJournal, _ home: HomeDirectory) throws {
    let newest = try Descriptor.reading(HistorySegment.path(#require(HistorySegment.names(in: home).last), in: home))
    #expect(newest.lock(.exclusive, until: .now() + .seconds(60)) == .taken)
    journal.prepare()
    newest.close()
  }

  @Test("A database that keeps readers out is reported as missing, not read without its log")
  func excludedReaders() throws {
    let temporary = try TemporaryHome()
    let home = temporary.home
    try HistoryJournal(home: home).append(line("req-1"))
    try awaitSegments(0, home) { _ = try History.open(home: home) }
    // As a process that was stopped while it closed the database. Its log alone has the second row.
    let holder = try #require(try SQLiteDatabase(path: home.historyDatabase, busyTimeout: .zero))
    try holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    try HistoryJournal(home: home).append(line("req-2"))
    try awaitSegments(0, home) { try HistoryImport(home: home, database: holder).run() }
    try HistoryJournal(home: home).append(line("req-3"))
    var notices: [String] = []
    let history = try History.open(home: home, lockWait: .zero) { notices.append($0) }
    #expect(notices.count == 2 && notices.allSatisfy { $0.contains("locked by another process") })
    #expect(notices.last?.hasSuffix("its executions are missing here") == true)
    #expect(try history.count(RunSelection()) == 1, "the line of the journal")
  }
}

/// A place where one thread stops until another lets it continue.
private final class Stop: Sendable {
  private let place: Int
  private let steps = Mutex(0)
  /// Once when the place is reached or the thread has ended.
  private let news = DispatchSemaphore(value: 0)
  private let permission = DispatchSemaphore(value: 0)
  private let reached = Atomic(false)

  init(at place: Int) { self.place = place }

  /// A step of the thread.
  func pass() -> Bool {
    let step = steps.withLock { steps in
      defer { steps += 1 }
      return steps
    }
    if step == place {
      reached.store(true, ordering: .relaxed)
      news.signal()
      permission.wait()
    }
    return true
  }

  /// The end of the thread.
  func end() { news.signal() }

  /// Waits until the thread is at the place; false if it has ended without.
  func isReached() -> Bool {
    news.wait()
    return reached.load(ordering: .relaxed)
  }

  func resume() { permission.signal() }
}
