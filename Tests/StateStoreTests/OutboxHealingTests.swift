// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

/// Random bytes over every part of a real outbox, and then what `exec` and `outbox deliver` do with it.
@Suite struct OutboxHealingTests {
  static let count = 90

  /// The parts of the file that are overwritten: 2,000 bytes each, one beginning every 1,500 bytes.
  static let offsets = Array(stride(from: 0, to: 75_000, by: 1500))

  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  /// An outbox with its log moved into the database: waiting, rescheduled, expired and claimed records, and gaps.
  init() throws {
    temporary = try TemporaryHome()
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    try outbox.append(sampleEntries((1...Self.count + 10).map { "k\($0)" }))
    let claim = try outbox.claim(limit: 30, for: owner).records.map(\.id)
    try outbox.remove(Array(claim.prefix(10)))
    try outbox.reschedule(
      claim[10..<15].map { FailedAttempt(id: $0, error: "x") }, notBefore: WallClock.now(), of: owner)
    try outbox.reject(claim[15..<20].map { FailedAttempt(id: $0, error: "no") }, of: owner)
    try outbox.release(Array(claim[20..<25]), of: owner)
    try outbox.shortenLog()
  }

  private func damage(at offset: Int) throws -> Bool {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: home.outboxDatabase))
    guard offset < bytes.count else { return false }
    var random = SplitMix(state: UInt64(offset) + 1)
    for position in offset..<min(bytes.count, offset + 2000) {
      bytes[position] = UInt8(truncatingIfNeeded: random.next())
    }
    // Not atomically: the file stays the one that it is.
    try bytes.write(to: URL(fileURLWithPath: home.outboxDatabase))
    return true
  }

  /// The work of an `exec`: its own payload, then others'.
  private func execute(_ key: String, _ told: Gathered<OutboxRecovery>, _ sent: Gathered<String>) throws -> [Int64] {
    let outbox = try Outbox(home: home, onRecovery: { told.append([$0]) })
    let owner = try ClaimOwner(home: home)
    let own = try outbox.append(sampleEntries([key]), claimedBy: owner)
    sent.append([key])
    try outbox.remove(own)
    _ = try outbox.hasOthers(besides: own.first ?? 0)
    return try deliver(outbox, owner, sent)
  }

  private func deliver(
    _ outbox: Outbox, _ owner: ClaimOwner, _ sent: Gathered<String>
  ) throws -> [Int64] {
    let claim = try outbox.claim(limit: 500, for: owner)
    sent.append(claim.records.map(\.record.key))
    try outbox.remove(claim.records.map(\.id))
    _ = try outbox.expire()
    try outbox.prune(.standard)
    return claim.corrupt
  }

  @Test(arguments: offsets)
  func `wherever it is damaged, nothing stops, nothing is sent twice, and every loss is reported`(_ offset: Int) throws
  {
    guard try damage(at: offset) else { return }
    let told = Gathered<OutboxRecovery>()
    let sent = Gathered<String>()
    var corrupt = try execute("e1", told, sent)
    corrupt += try execute("e2", told, sent)
    let outbox = try Outbox(home: home, onRecovery: { told.append([$0]) })
    try outbox.examine()
    corrupt += try deliver(outbox, ClaimOwner(home: home), sent)

    #expect(Set(sent.all).count == sent.all.count, "sent twice")
    #expect(told.all.count <= 1, "set aside again and again")
    #expect(Set(sent.all).isSuperset(of: ["e1", "e2"]))
    let rejected = try outbox.list(states: [.rejected], limit: 500).count
    let lost = Self.count - (sent.all.count - 2) - rejected
    let recovery = told.all.first
    let unreadable = recovery?.unreadable ?? 0
    // The end of a window has no checksum: one that was damaged may have come.
    let kept = try outbox.list(states: [.corrupt, .expired], limit: 500).count
    #expect(try outbox.list(states: [.pending], limit: 500).isEmpty)
    if recovery?.mayBeMore != true {
      #expect(lost == unreadable + kept, "\(lost) lost, \(unreadable) + \(kept) named")
    }
    // 2,000 bytes reach into two pages at most, of nine records each. The second page is the root of the table: behind
    // it SQLite finds no record.
    if !(4096 - 2000..<8192).contains(offset) { #expect(lost <= 18, "lost \(lost)") }
    // It is whole now, and stays so.
    try outbox.examine()
    _ = try execute("e3", told, sent)
    #expect(told.all.count <= 1 && corrupt.count <= kept)
  }

  @Test func `a record that was acknowledged stays so though its removal met the damage`() throws {
    let outbox = try Outbox(home: home, onRecovery: { _ in })
    let owner = try ClaimOwner(home: home)
    let claimed = try outbox.claim(limit: 500, for: owner).records
    try outbox.shortenLog()
    // The page of an index that nothing but a removal touches now.
    let path = home.outboxDatabase
    let root = try #require(
      try SQLiteDatabase(path: path, busyTimeout: .seconds(1))?.integer(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'windows'"))
    #expect(try damage(at: Int(root - 1) * 4096))
    try Outbox(home: home, onRecovery: { _ in }).remove(claimed.map(\.id))
    #expect(try Outbox(home: home).list(states: [.pending]).isEmpty)
    #expect(temporary.names().contains { $0.hasPrefix("outbox.db.corrupt-") })
  }
}

/// Random numbers that are the same each time.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
