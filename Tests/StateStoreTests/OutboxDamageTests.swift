// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

@Suite struct OutboxDamageTests {
  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  init() throws { temporary = try TemporaryHome() }

  /// Overwrites bytes of the closed database file.
  private func scribble(from: Int, to: Int? = nil) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: home.outboxDatabase))
    for offset in from..<(to ?? bytes.count) { bytes[offset] = 0xa5 }
    try bytes.write(to: URL(fileURLWithPath: home.outboxDatabase))
  }

  /// Moves the log into the database, so that damaging the file damages what is in it.
  private func settleLog() throws { try temporary.tamper(home.outboxDatabase, "PRAGMA wal_checkpoint(TRUNCATE)") }

  @Test(arguments: ["value = x'7b7d'", "key = 'other'", "headers = x'ffffffff'", "headers = x''", "checksum = 0"])
  func `a record that does not read as it was written is set aside and stops no other`(_ damage: String) throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a", "b", "c"]))
    try temporary.tamper(home.outboxDatabase, "UPDATE payload SET \(damage) WHERE id = 2")
    let claim = try outbox.claim(limit: 5, for: owner)
    #expect(claim.records.map(\.id) == [1, 3])
    #expect(claim.corrupt == [2])
    #expect(try outbox.list(states: [.corrupt]).map(\.id) == [2])
    #expect(try outbox.list(states: [.corrupt]).first?.lastError == "the record does not read as it was written")
    // Reported once; never sent, not even by a retry of everything.
    #expect(try outbox.claim(limit: 5, for: owner).corrupt.isEmpty)
    #expect(try outbox.retry(OutboxSelection(states: OutboxState.allCases), window: .seconds(9)) == 0)
  }

  /// Root may write everywhere, so the test's process gives that up first.
  @Test func `a damaged outbox is an error that names it to those who may not write there, and stays where it is`()
    async throws
  {
    let readable = try TemporaryHome("damaged")
    try Outbox(home: readable.home).append(sampleEntries(["a"]))
    for name in ["-wal", "-shm"] { unlink(readable.home.outboxDatabase + name) }
    try Data("this is not a database, and long enough to be looked at as one".utf8)
      .write(to: URL(fileURLWithPath: readable.home.outboxDatabase))
    chmod(readable.home.path, 0o755)
    for name in readable.names() { chmod(readable.home.path + "/" + name, 0o666) }
    await #expect(processExitsWith: .success) {
      if geteuid() == 0 { setuid(65_534) } else { chmod(try TemporaryHome.ofParent("damaged").path, 0o555) }
      let home = try TemporaryHome.ofParent("damaged")
      let error = #expect(throws: StateError.self) { try Outbox.existing(home: home) }
      #expect(error == .corrupt(path: home.outboxDatabase))
      #expect(error?.isCorruption == true)
    }
    chmod(readable.home.path, 0o755)
    #expect(!readable.names().contains { $0.contains("corrupt") })
  }

  @Test func `an outbox belongs after its recovery to whom it belonged before`() throws {
    try Outbox(home: home).append(sampleEntries(["a"]))
    chmod(home.outboxDatabase, 0o640)
    // Only root can give a file away.
    if geteuid() == 0 { chown(home.outboxDatabase, 65_534, 65_534) }
    try settleLog()
    try scribble(from: 0, to: 4096)
    try Outbox(home: home, onRecovery: { _ in }).append(sampleEntries(["b"]))
    #expect(temporary.names().contains { $0.hasPrefix("outbox.db.corrupt-") })
    #expect(try temporary.mode("outbox.db") == 0o640)
    let owner = try FileManager.default.attributesOfItem(atPath: home.outboxDatabase)[.ownerAccountID] as? Int
    #expect(owner == (geteuid() == 0 ? 65_534 : Int(geteuid())))
  }

  @Test func `an empty outbox file is damage that is reported, and a new outbox takes payloads`() throws {
    try home.create()
    try Data().write(to: URL(fileURLWithPath: home.outboxDatabase))
    let told = Gathered<OutboxRecovery>()
    try Outbox(home: home, onRecovery: { told.append([$0]) }).append(sampleEntries(["a"]))
    let recovery = try #require(told.all.first)
    #expect(told.all.count == 1 && recovery.saved == 0 && recovery.mayBeMore)
    #expect(FileManager.default.contents(atPath: recovery.path)?.isEmpty == true)
    #expect(try Outbox(home: home).list().map(\.key) == ["a"])
  }

  @Test func `a new outbox is never an empty file, and nothing is reported of it`() throws {
    let home = home
    let told = Gathered<OutboxRecovery>()
    let failures = inThreads(20) { number in
      try Outbox(home: home, onRecovery: { told.append([$0]) }).append(sampleEntries(["\(number)"]))
    }
    #expect(failures.isEmpty && told.all.isEmpty)
    #expect(try Outbox(home: home).list().count == 20)
    #expect(!temporary.names().contains { $0.contains(".new-") })
  }

  @Test func `an outbox of a newer algo-run is not touched`() throws {
    try Outbox(home: home).append(sampleEntries(["a"]))
    try temporary.tamper(home.outboxDatabase, "PRAGMA user_version = 99")
    let expected = StateError.newerSchema(path: home.outboxDatabase, found: 99, known: 1)
    #expect(throws: expected) { try Outbox(home: home) }
    #expect(!temporary.names().contains { $0.hasPrefix("outbox.db.corrupt") })
  }

  @Test func `a file that is not a database is set aside, and a new outbox takes payloads`() throws {
    try home.create()
    let rubbish = Data(repeating: 0x42, count: 5000)
    try rubbish.write(to: URL(fileURLWithPath: home.outboxDatabase))
    let told = Gathered<OutboxRecovery>()
    let number = try Outbox(home: home, onRecovery: { told.append([$0]) }).append(sampleEntries(["a"]))
    let recovery = try #require(told.all.first)
    #expect(told.all.count == 1 && recovery.saved == 0 && recovery.mayBeMore)
    #expect(recovery.sentence.contains("what else there was cannot be read"))
    #expect(recovery.path.hasPrefix(home.outboxDatabase + ".corrupt-"))
    #expect(FileManager.default.contents(atPath: recovery.path) == rubbish)
    // A deliverer may have records under way by the numbers of the lost file: none of those is given again.
    #expect(try #require(number.first) > 1_000_000_000)
    try Outbox(home: home, onRecovery: { told.append([$0]) }).examine()
    #expect(told.all.count == 1)
  }

  @Test func `an empty file beside a log is damage, and the log is kept`() throws {
    try Outbox(home: home).append(sampleEntries(["a", "b"]))
    let log = FileManager.default.contents(atPath: home.outboxDatabase + "-wal")
    #expect(log?.isEmpty == false)
    try Data().write(to: URL(fileURLWithPath: home.outboxDatabase))
    let told = Gathered<OutboxRecovery>()
    try Outbox(home: home, onRecovery: { told.append([$0]) }).append(sampleEntries(["c"]))
    #expect(told.all.count == 1)
    #expect(try Outbox(home: home).list().map(\.key) == ["a", "b", "c"])
    #expect(FileManager.default.contents(atPath: (told.all.first?.path ?? "") + "-wal") == log)
  }

  @Test func `what can still be read of a damaged outbox is delivered from the new one, its windows unchanged`() throws
  {
    let moment = WallClock.now()
    try Outbox(home: home).append(sampleEntries((0..<300).map { "\($0)" }, at: moment))
    try settleLog()
    try scribble(from: 65_536, to: 73_728)
    let told = Gathered<OutboxRecovery>()
    let outbox = try Outbox(home: home, onRecovery: { told.append([$0]) })
    let claim = try outbox.claim(limit: 500, for: ClaimOwner(home: home))
    let recovery = try #require(told.all.first)
    #expect((270..<300).contains(claim.records.count))
    #expect(recovery.saved + recovery.unreadable == 300 && recovery.corrupt == 0 && !recovery.mayBeMore)
    #expect(claim.records.count == recovery.saved)
    // Each has the number that it had.
    #expect(claim.records.allSatisfy { $0.record == sampleRecord("\($0.id - 1)") })
    #expect(claim.records.first?.id == 1 && claim.records.last?.id == 300)
    #expect(claim.records.allSatisfy { $0.windowEnd == moment + .seconds(240) })
    #expect(claim.corrupt.isEmpty)
    #expect(try outbox.append(sampleEntries(["next"])) == [301])
  }

  @Test func `an outbox is not moved away while another process works in it`() throws {
    let open = try Outbox(home: home)
    try open.append(sampleEntries(["a"]))
    let (file, _) = try #require(try FileIdentity.of(home.outboxDatabase))
    try open.working { () throws(StateError) in
      let met = StateError.corrupt(path: home.outboxDatabase)
      let hold = try OutboxLock(home)
      #expect(throws: met) {
        try OutboxRecovery.recover(home, file, hold, after: met, waiting: .milliseconds(20))
      }
    }
    #expect(try open.list().map(\.key) == ["a"])
    #expect(!temporary.names().contains { $0.contains("corrupt") })
  }

  @Test func `a service that has it open continues in the new one, and ends its records there`() throws {
    let service = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try service.append(sampleEntries((0..<100).map { "\($0)" }))
    let underWay = try service.claim(limit: 40, for: owner).records.map(\.id)
    try settleLog()
    let size = try Data(contentsOf: URL(fileURLWithPath: home.outboxDatabase)).count
    try scribble(from: size - 6000, to: size - 4000)
    let told = Gathered<OutboxRecovery>()
    let other = try Outbox(home: home, onRecovery: { told.append([$0]) })
    try other.examine()
    let recovery = try #require(told.all.first)
    // No other process gets records that the service holds; a record that it removes is gone, and no other.
    let others = try other.claim(limit: 500, for: ClaimOwner(home: home)).records.map(\.id)
    #expect(Set(others).isDisjoint(with: underWay))
    try service.remove(underWay)
    #expect(try other.list(states: [.pending], limit: 500).map(\.id) == others)
    #expect(recovery.saved - recovery.corrupt == others.count + underWay.count)
    #expect(try service.append(sampleEntries(["new"])) == [101])
    #expect(try other.list(after: 100).map(\.key) == ["new"])
    #expect(told.all.count == 1)
  }

  @Test func `an outbox that was replaced by hand under a service takes nothing from it`() throws {
    let service = try Outbox(home: home)
    let numbers = try service.append(sampleEntries(["old"]))
    for name in ["", "-wal", "-shm"] { unlink(home.outboxDatabase + name) }
    try Outbox(home: home).append(sampleEntries(["other"]))
    #expect(throws: StateError.inaccessible(path: home.outboxDatabase, errno: ENOENT)) { try service.remove(numbers) }
    #expect(try Outbox(home: home).list().map(\.key) == ["other"])
  }

  @Test func `of many that find the damage at the same time one sets it aside, and all can continue`() throws {
    try Outbox(home: home).append(sampleEntries((0..<200).map { "old-\($0)" }))
    try settleLog()
    try scribble(from: 40_960, to: 45_056)
    let home = home
    let told = Gathered<OutboxRecovery>()
    let failures = inThreads(20) { number in
      let outbox = try Outbox(home: home, onRecovery: { told.append([$0]) })
      try outbox.examine()
      try outbox.append(sampleEntries(["\(number)"]))
    }
    #expect(failures.isEmpty)
    #expect(told.all.count == 1)
    let keys = try Outbox(home: home).list(limit: 1000).map(\.key)
    #expect(Set(keys).count == keys.count)
    #expect(keys.count == 20 + (told.all.first?.saved ?? 0))
  }
}
