// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

@Suite struct OutboxTests {
  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  init() throws { temporary = try TemporaryHome() }

  @Test func `a record comes back byte for byte, oldest first, also from an outbox opened anew`() throws {
    let records = [
      sampleRecord("a"), sampleRecord("é\u{1F431}", bytes: 100_000), InsightsRecord(key: "", value: [], headers: []),
    ]
    let moment = WallClock.now()
    let ids = try Outbox(home: home).append(records.map { OutboxEntry($0, createdAt: moment, window: .seconds(240)) })
    #expect(ids == [1, 2, 3])
    let outbox = try Outbox(home: home)
    let claim = try outbox.claim(limit: 10, for: ClaimOwner(home: home))
    #expect(claim.records.map(\.record) == records)
    #expect(claim.records.map(\.id) == ids)
    #expect(claim.records.allSatisfy { $0.createdAt == moment && $0.attempts == 0 && !$0.possiblyPersisted })
    #expect(claim.corrupt.isEmpty)
  }

  @Test func `an acknowledged record is gone, and its number is never given again`() throws {
    let outbox = try Outbox(home: home)
    let ids = try outbox.append(sampleEntries(["a", "b", "c"]))
    try outbox.remove(ids)
    #expect(try outbox.status() == OutboxStatus())
    #expect(try outbox.append(sampleEntries(["d"])) == [4])
    #expect(try outbox.append(sampleEntries(["e"]), removing: [4]) == [5])
    #expect(try outbox.list().map(\.key) == ["e"])
  }

  @Test func `what is acknowledged is removed without a sync, and what is stored next is synced again`() throws {
    let outbox = try Outbox(home: home)
    let ids = try outbox.append(sampleEntries(["a", "b"]))
    try outbox.remove([ids[0]])
    // 2 is FULL; the pragma shows what the next transaction does.
    #expect(try outbox.database.integer("PRAGMA synchronous") == 2)
    #expect(try outbox.list().map(\.id) == [ids[1]])
  }

  @Test func `a record is alone until there is another one, in whatever state`() throws {
    let outbox = try Outbox(home: home)
    let first = try outbox.append(sampleEntries(["a"]))[0]
    #expect(try !outbox.hasOthers(besides: first))
    let second = try outbox.append(sampleEntries(["b"]), claimedBy: try ClaimOwner(home: home))[0]
    #expect(try outbox.hasOthers(besides: first))
    #expect(try outbox.hasOthers(besides: second))
  }

  @Test func `the log that an opener has to read stays short, however many short-lived writers there were`() throws {
    for round in 0..<200 {
      let outbox = try Outbox(home: home)
      try outbox.remove(try outbox.append(sampleEntries(["\(round)"])))
    }
    #expect(try logSize() < 2 * 4120 * Outbox.logPages)
  }

  @Test func `a long log is short again after its writer has ended well`() throws {
    let outbox = try Outbox(home: home)
    try outbox.useLongLog()
    for round in 0..<200 { try outbox.append(sampleEntries(["\(round)"])) }
    #expect(try logSize() > 2 * 4120 * Outbox.logPages)
    try outbox.shortenLog()
    #expect(try logSize() == 0)
    #expect(try outbox.status().count(.pending) == 200)
  }

  private func logSize() throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: home.outboxDatabase + "-wal")[.size] as? Int)
  }

  @Test func `the end of a window does not move when processes stop and start`() throws {
    let moment = Timestamp(microseconds: 1_700_000_000_000_000)
    let end = Timestamp(microseconds: 1_700_000_240_000_000)
    try Outbox(home: home).append(sampleEntries(["a"], at: moment))
    let owner = try ClaimOwner(home: home)
    for wait in [1, 5, 100] {
      let outbox = try Outbox(home: home)
      let now = moment + .seconds(wait)
      let claim = try outbox.claim(limit: 1, for: owner, at: now)
      #expect(claim.records.map(\.windowEnd) == [end])
      try outbox.reschedule([FailedAttempt(id: 1, error: "no route")], notBefore: now, of: owner)
    }
    #expect(try Outbox(home: home).expire(at: Timestamp(microseconds: end.microseconds - 1)).isEmpty)
    #expect(try Outbox(home: home).expire(at: end).map(\.id) == [1])
  }

  @Test func `a failed attempt is counted, reported, and not repeated before its time`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a"], at: now), claimedBy: owner)
    let later = now + .seconds(3)
    try outbox.reschedule(
      [FailedAttempt(id: 1, error: "timed out", possiblyPersisted: true)], notBefore: later, of: owner)
    #expect(try outbox.claim(limit: 1, for: owner, at: now + .seconds(2)).records.isEmpty)
    let listed = try #require(try outbox.list().first)
    #expect(listed.attempts == 1 && listed.lastError == "timed out" && listed.possiblyPersisted)
    #expect(listed.nextAttemptAt == later && !listed.isClaimed)
    let again = try outbox.claim(limit: 1, for: owner, at: later).records
    #expect(again.map(\.attempts) == [1])
    #expect(again.map(\.possiblyPersisted) == [true])
    try outbox.reschedule([FailedAttempt(id: 1, error: "refused")], notBefore: later, of: owner)
    #expect(try outbox.list().first?.possiblyPersisted == true)
  }

  @Test func `a payload expires at the end of its window, with whether it may have been persisted`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a", "b", "c"], at: now), claimedBy: owner)
    try outbox.reschedule([FailedAttempt(id: 1, error: "lost", possiblyPersisted: true)], notBefore: now, of: owner)
    try outbox.release([2], of: owner)
    let end = now + .seconds(240)
    #expect(try outbox.claim(limit: 5, for: owner, at: end).records.isEmpty)
    // The third is in its deliverer's hands: only that one knows its outcome.
    let expired = try outbox.expire(at: end)
    #expect(expired.map(\.id) == [1, 2])
    #expect(expired.map(\.possiblyPersisted) == [true, false])
    try outbox.expire([FailedAttempt(id: 3, error: "timed out")], of: owner, at: end)
    #expect(try outbox.status().count(.expired) == 3)
    #expect(
      try outbox.list().map(\.lastError) == ["lost", "its delivery window ended before it could be sent", "timed out"])
  }

  @Test func `on request payloads are dropped at the end of their window`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a"], at: now))
    try outbox.append(sampleEntries(["b"], at: now), claimedBy: owner)
    #expect(try outbox.expire(at: now + .seconds(240), .drop).map(\.id) == [1])
    try outbox.expire([FailedAttempt(id: 2, error: "x")], of: owner, at: now, .drop)
    #expect(try outbox.list().isEmpty)
  }

  @Test func `what was denied to the end is rejected and kept, also where expired payloads are dropped`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a", "b", "c"], at: now), claimedBy: owner)
    let denial = FailedAttempt(id: 1, error: FailedAttempt.denial + "no right to write")
    let mayBeThere = FailedAttempt(id: 2, error: FailedAttempt.denial + "no right to write", possiblyPersisted: true)
    try outbox.reschedule([denial, mayBeThere, FailedAttempt(id: 3, error: "away")], notBefore: now, of: owner)
    let ended = try outbox.expire(at: now + .seconds(240), .drop)
    #expect(ended.map(\.id) == [1, 2, 3])
    #expect(ended.map(\.wasDenied) == [true, false, false])
    #expect(try outbox.list().map(\.key) == ["a"])
    #expect(try outbox.list(states: [.rejected]).map(\.lastError) == [denial.error])
  }

  @Test func `a rejected payload keeps its reason and is left to an operator`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a"]), claimedBy: owner)
    try outbox.reject([FailedAttempt(id: 1, error: "message too large")], of: owner)
    #expect(try outbox.claim(limit: 1, for: owner).records.isEmpty)
    #expect(try outbox.list(states: [.rejected]).map(\.lastError) == ["message too large"])
    let now = WallClock.now()
    #expect(try outbox.retry(.terminal, window: .seconds(60), at: now) == 1)
    let again = try outbox.claim(limit: 1, for: owner, at: now).records
    #expect(again.map(\.windowEnd) == [now + .seconds(60)])
  }

  @Test func `a payload still denied when its window ends is rejected, and after a retry has a new chance`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a"], at: now), claimedBy: owner)
    let denied = FailedAttempt(id: 1, error: FailedAttempt.denial + "topic")
    try outbox.reschedule([denied], notBefore: now, of: owner)
    #expect(try outbox.expire(at: now + .seconds(240)).map(\.wasDenied) == [true])
    #expect(try outbox.list().map(\.state) == [.rejected])
    #expect(try outbox.retry(.terminal, window: .seconds(60), at: now) == 1)
    #expect(try outbox.expire(at: now + .seconds(60)).map(\.wasDenied) == [false])
    #expect(try outbox.list().map(\.state) == [.expired])
  }

  @Test func `only what was given up can be retried, and only the chosen ones are purged`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a", "b", "c", "d"]), claimedBy: owner)
    try outbox.reject([FailedAttempt(id: 1, error: "x"), FailedAttempt(id: 2, error: "x")], of: owner)
    try outbox.release([3], of: owner)
    let all = OutboxSelection(states: OutboxState.allCases)
    #expect(try outbox.retry(OutboxSelection(states: OutboxState.allCases, ids: [2, 3, 99]), window: .seconds(1)) == 1)
    #expect(try outbox.purge(.terminal) == 1)
    // The fourth is being sent.
    #expect(try outbox.purge(all) == 2)
    #expect(try outbox.list().map(\.id) == [4])
  }

  @Test func `records are looked up by number, and one that is not there is missing`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a", "b"]), claimedBy: owner)
    try outbox.reject([FailedAttempt(id: 2, error: "x")], of: owner)
    #expect(try outbox.states(of: [2, 1, 99, 1]) == [1: .pending, 2: .rejected])
    #expect(try outbox.states(of: []).isEmpty)
  }

  @Test func `what was given up is kept for its time and in its number, and a pending payload always`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    let keys = (1...10).map { "\($0)" }
    try outbox.append(sampleEntries(keys + ["pending"], at: now + .seconds(-9_000_000)), claimedBy: owner)
    for id in 1...10 {
      try outbox.reject([FailedAttempt(id: Int64(id), error: "x")], of: owner, at: now + .seconds(id))
    }
    try outbox.release([11], of: owner)
    #expect(try outbox.prune(.init(age: .seconds(3), records: 100), at: now + .seconds(5)) == 1)
    #expect(try outbox.prune(.init(age: .seconds(3), records: 100), at: now + .seconds(5)) == 0)
    #expect(try outbox.prune(.init(age: .seconds(100), records: 4), at: now + .seconds(5)) == 5)
    #expect(try outbox.list().map(\.id) == [7, 8, 9, 10, 11])
    #expect(try outbox.prune(.init(age: .seconds(1), records: 0), at: now + .seconds(50)) == 4)
    #expect(try outbox.list().map(\.state) == [.pending])
  }

  @Test func `the status shows how many wait, since when, and how much they are`() throws {
    #expect(try Outbox.existing(home: home) == nil)
    #expect(temporary.names().isEmpty)
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["b"], at: now + .seconds(5)))
    try outbox.append(sampleEntries(["a", "c"], at: now), claimedBy: owner)
    try outbox.reject([FailedAttempt(id: 3, error: "x")], of: owner)
    let status = try #require(try Outbox.existing(home: home)).status()
    #expect(status.counts == [.pending: 2, .rejected: 1])
    #expect(status.oldestPending == now)
    #expect(status.nextWindowEnd == now + .seconds(240))
    #expect(status.claimed == 1)
    #expect(status.bytes == 3 * sampleRecord("a").value.count)
    #expect(try outbox.pendingCount() == 2)
    #expect(try outbox.list(after: 1, limit: 1).map(\.key) == ["a"])
  }

  @Test func `an outage is known to every process until its end, and keeps its beginning`() throws {
    let now = WallClock.now()
    let outbox = try Outbox(home: home)
    #expect(try outbox.outage() == nil)
    try outbox.noteOutage(until: now + .seconds(5), error: "refused", at: now)
    try outbox.noteOutage(until: now + .seconds(9), error: "timed out", at: now + .seconds(4))
    let outage = try #require(try Outbox(home: home).outage())
    #expect(outage == BrokerOutage(since: now, until: now + .seconds(9), lastError: "timed out"))
    #expect(outage.isKnown(at: now + .seconds(8)))
    #expect(!outage.isKnown(at: now + .seconds(9)))
    #expect(!outage.isKnown(at: now + .seconds(-3600)))
    try outbox.clearOutage()
    #expect(try outbox.outage() == nil)
  }

  @Test func `home, databases and their companions are for the owner alone, whatever the umask`() async throws {
    let open = try TemporaryHome("umask-0")
    let closed = try TemporaryHome("umask-511")
    await #expect(processExitsWith: .success) {
      for mask: mode_t in [0, 0o777] {
        umask(mask)
        let home = try TemporaryHome.ofParent("umask-\(mask)")
        try ConnectionStore(home: home).set(Connection(kind: .plaintext))
        try Outbox(home: home).append(sampleEntries(["a"]))
        // Kept, so that its file is there to be looked at.
        let owner = try ClaimOwner(home: home)
        let names = try FileManager.default.subpathsOfDirectory(atPath: home.path).sorted()
        for name in ["state.db", "outbox.db", "outbox.db-wal", "outbox.db-shm", "deliverers/\(owner.name).lock"] {
          #expect(names.contains(name))
        }
        for name in [""] + names {
          let attributes = try FileManager.default.attributesOfItem(atPath: home.path + "/" + name)
          let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
          #expect(attributes[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(name)")
        }
      }
    }
    // Both were really made: the names are agreed upon across two processes.
    #expect(try open.mode("outbox.db") == 0o600)
    #expect(try closed.mode("outbox.db") == 0o600)
  }
}
