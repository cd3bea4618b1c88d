import Foundation
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
    let token = try DelivererToken(home: home)
    try outbox.append(sampleEntries(["a", "b", "c"]))
    try temporary.tamper(home.outboxDatabase, "UPDATE payload SET \(damage) WHERE id = 2")
    let claim = try outbox.claim(limit: 5, for: token)
    #expect(claim.records.map(\.id) == [1, 3])
    #expect(claim.corrupt == [2])
    #expect(try outbox.list(states: [.corrupt]).map(\.id) == [2])
    #expect(try outbox.list(states: [.corrupt]).first?.lastError == "the record does not read as it was written")
    // Reported once; never sent, not even by a retry of everything.
    #expect(try outbox.claim(limit: 5, for: token).corrupt.isEmpty)
    #expect(try outbox.retry(OutboxSelection(states: OutboxState.allCases), window: .seconds(9)) == 0)
  }

  @Test func `a damaged outbox is an error that names it`() throws {
    try home.create()
    try Data("this is not a database, and long enough to be looked at as one".utf8)
      .write(to: URL(fileURLWithPath: home.outboxDatabase))
    let error = #expect(throws: StateError.self) { try Outbox(home: home) }
    #expect(error == .corrupt(path: home.outboxDatabase))
    #expect(error?.isCorruption == true)
  }

  @Test func `an empty outbox file becomes an outbox`() throws {
    try home.create()
    try Data().write(to: URL(fileURLWithPath: home.outboxDatabase))
    #expect(try Outbox(home: home).append(sampleEntries(["a"])) == [1])
  }

  @Test func `an outbox of a newer algo-run is not touched`() throws {
    try Outbox(home: home).append(sampleEntries(["a"]))
    try temporary.tamper(home.outboxDatabase, "PRAGMA user_version = 99")
    let expected = StateError.newerSchema(path: home.outboxDatabase, found: 99, known: 1)
    #expect(throws: expected) { try Outbox(home: home) }
    #expect(try OutboxRecovery.recover(home: home) == .sound)
  }

  @Test func `a file that is no database is set aside, and a new outbox takes payloads`() throws {
    try home.create()
    let rubbish = Data(repeating: 0x42, count: 5000)
    try rubbish.write(to: URL(fileURLWithPath: home.outboxDatabase))
    guard case .setAside(let path, salvaged: 0) = try OutboxRecovery.recover(home: home) else {
      Issue.record("it was not set aside")
      return
    }
    #expect(path.hasPrefix(home.outboxDatabase + ".corrupt-"))
    #expect(FileManager.default.contents(atPath: path) == rubbish)
    #expect(try Outbox(home: home).append(sampleEntries(["a"])) == [1])
    #expect(try OutboxRecovery.recover(home: home) == .sound)
  }

  @Test func `what can still be read of a damaged outbox is delivered from the new one, its windows unchanged`() throws
  {
    let moment = WallClock.now()
    try Outbox(home: home).append(sampleEntries((0..<300).map { "\($0)" }, at: moment))
    try settleLog()
    try scribble(from: 65_536, to: 73_728)
    guard case .setAside(_, let salvaged) = try OutboxRecovery.recover(home: home) else {
      Issue.record("it was not set aside")
      return
    }
    #expect((200..<300).contains(salvaged))
    let claim = try Outbox(home: home).claim(limit: 500, for: DelivererToken(home: home))
    #expect(claim.records.count == salvaged)
    #expect(claim.records.first?.record == sampleRecord("0"))
    #expect(claim.records.last?.record == sampleRecord("299"))
    #expect(claim.records.allSatisfy { $0.windowEnd == moment + .seconds(240) })
    #expect(claim.corrupt.isEmpty)
  }

  @Test func `an outbox that anyone has open is not moved away under them`() throws {
    let open = try Outbox(home: home)
    try open.append(sampleEntries(["a"]))
    #expect(throws: StateError.locked(path: home.outboxDatabase)) {
      try OutboxRecovery.recover(home: home, waiting: .milliseconds(20))
    }
    #expect(try open.list().map(\.key) == ["a"])
    #expect(!temporary.names().contains { $0.contains("corrupt") })
  }

  @Test func `of many that find the damage at once one sets it aside, and all can go on`() throws {
    try home.create()
    try Data(repeating: 0x42, count: 5000).write(to: URL(fileURLWithPath: home.outboxDatabase))
    let home = home
    let moved = Gathered<String>()
    let failures = inThreads(20) { number in
      if case .setAside(let path, _) = try OutboxRecovery.recover(home: home, waiting: .seconds(30)) {
        moved.append([path])
      }
      try Outbox(home: home).append(sampleEntries(["\(number)"]))
    }
    #expect(failures.isEmpty)
    #expect(moved.all.count == 1)
    #expect(Set(try Outbox(home: home).list().map(\.key)).count == 20)
  }
}
