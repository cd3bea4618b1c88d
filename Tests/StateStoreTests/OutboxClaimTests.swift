// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import Testing

@testable import StateStore

@Suite struct OutboxClaimTests {
  let temporary: TemporaryHome
  var home: HomeDirectory { temporary.home }

  init() throws { temporary = try TemporaryHome() }

  @Test func `a record that one deliverer holds is not given to another until it is released`() throws {
    let outbox = try Outbox(home: home)
    let first = try ClaimOwner(home: home)
    let second = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a", "b"]))
    #expect(try outbox.claim(limit: 1, for: first).records.map(\.id) == [1])
    #expect(try outbox.claim(limit: 5, for: second).records.map(\.id) == [2])
    #expect(try outbox.claim(limit: 5, for: second).records.isEmpty)
    try outbox.release([1, 2], of: first)
    #expect(try outbox.claim(limit: 5, for: second).records.map(\.id) == [1])
  }

  @Test func `what a deliverer no longer holds it cannot settle`() throws {
    let outbox = try Outbox(home: home)
    let first = try ClaimOwner(home: home)
    let second = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a"]), claimedBy: first)
    let attempt = [FailedAttempt(id: 1, error: "x")]
    try outbox.reject(attempt, of: second)
    try outbox.expire(attempt, of: second)
    try outbox.reschedule(attempt, notBefore: WallClock.now(), of: second)
    let listed = try #require(try outbox.list().first)
    #expect(listed.state == .pending && listed.isClaimed && listed.attempts == 0)
  }

  @Test func `a record is due although the clock was set back after it had failed`() throws {
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let now = WallClock.now()
    try outbox.append(sampleEntries(["a"], at: now + .seconds(3600)), claimedBy: owner)
    let next = now + .seconds(3600) + Outbox.longestPause
    try outbox.reschedule([FailedAttempt(id: 1, error: "refused")], notBefore: next, of: owner)
    #expect(try outbox.claim(limit: 1, for: owner, at: now + .seconds(3600)).records.isEmpty)
    #expect(try outbox.claim(limit: 1, for: owner, at: now).records.map(\.id) == [1])
  }

  @Test func `a deliverer that ends frees its records`() throws {
    let outbox = try Outbox(home: home)
    var owner: ClaimOwner? = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a"]), claimedBy: owner)
    owner = nil
    let next = try ClaimOwner(home: home)
    #expect(try outbox.claim(limit: 1, for: next).records.map(\.id) == [1])
  }

  @Test func `a deliverer killed with SIGKILL has stored what it appended, and its records are free immediately`()
    async throws
  {
    let temporary = try TemporaryHome("killed")
    let home = temporary.home
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let home = try TemporaryHome.ofParent("killed")
      let outbox = try Outbox(home: home)
      let owner = try ClaimOwner(home: home)
      try outbox.append(sampleEntries(["a", "b"]), claimedBy: owner)
      kill(getpid(), SIGKILL)
    }
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let claim = try outbox.claim(limit: 5, for: owner)
    #expect(claim.records.map(\.record) == [sampleRecord("a"), sampleRecord("b")])
    // It may have died between sending and acknowledgement.
    #expect(claim.records.map(\.possiblyPersisted) == [true, true])
    #expect(claim.records.map(\.attempts) == [1, 1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: home.deliverersDirectory) == ["\(owner.name).lock"])
  }

  @Test(.timeLimit(.minutes(1)))
  func `another process's claim holds while it lives and falls when it is killed`() throws {
    let outbox = try Outbox(home: home)
    try outbox.append(sampleEntries(["a"]))
    try PrivateFile.makeDirectory(home.deliverersDirectory)
    let lock = home.deliverersDirectory + "/other.lock"
    // One process from the shell on, so that killing it closes the descriptor that holds the lock.
    let other = Process()
    other.executableURL = URL(fileURLWithPath: "/bin/sh")
    other.arguments = ["-c", "exec 9<>\"$1\" && flock 9 && echo held && exec sleep 600", "sh", lock]
    let output = Pipe()
    other.standardOutput = output
    try other.run()
    #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "held\n")
    try temporary.tamper(home.outboxDatabase, "UPDATE payload SET claim = 'other'")
    let owner = try ClaimOwner(home: home)
    #expect(try outbox.claim(limit: 1, for: owner).records.isEmpty)
    #expect(try outbox.expire(at: WallClock.now() + .seconds(3600)).isEmpty)
    #expect(try outbox.purge(OutboxSelection(states: [.pending])) == 0)
    kill(other.processIdentifier, SIGKILL)
    other.waitUntilExit()
    // A fresh look: this outbox believes for a second what it has just seen.
    #expect(try Outbox(home: home).claim(limit: 1, for: owner).records.map(\.id) == [1])
  }

  @Test(.timeLimit(.minutes(2)))
  func `of many deliverers together each record goes to exactly one`() throws {
    let home = home
    try Outbox(home: home).append(sampleEntries((0..<1000).map { "\($0)" }))
    let sent = Gathered<Int64>()
    let failures = inThreads(16) { _ in
      let outbox = try Outbox(home: home)
      let owner = try ClaimOwner(home: home)
      while true {
        let claim = try outbox.claim(limit: 7, for: owner).records.map(\.id)
        if claim.isEmpty { return }
        sent.append(claim)
        try outbox.remove(claim)
      }
    }
    #expect(failures.isEmpty)
    #expect(sent.all.sorted() == Array(1...1000))
  }

  @Test(.timeLimit(.minutes(2)))
  func `processes that append, claim and remove together on a home that is not there yet leave nothing`() async throws {
    let temporary = try TemporaryHome("crowded")
    let home = temporary.home
    await withTaskGroup { group in
      for _ in 0..<10 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            let home = try TemporaryHome.ofParent("crowded")
            let outbox = try Outbox(home: home)
            let owner = try ClaimOwner(home: home)
            for round in 0..<20 {
              try outbox.remove(try outbox.append(sampleEntries(["\(getpid())-\(round)"]), claimedBy: owner))
              try outbox.append(sampleEntries(["\(getpid())-\(round)-left"]))
              try outbox.remove(try outbox.claim(limit: 1, for: owner).records.map(\.id))
            }
          }
        }
      }
    }
    let outbox = try Outbox(home: home)
    try outbox.prune(.standard)
    #expect(try outbox.list(limit: 1000).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: home.deliverersDirectory).isEmpty)
  }

  @Test func `what a dead deliverer held is shown as waiting`() throws {
    let outbox = try Outbox(home: home)
    var dead: ClaimOwner? = try ClaimOwner(home: home)
    let alive = try ClaimOwner(home: home)
    try outbox.append(sampleEntries(["a", "b"]), claimedBy: dead)
    try outbox.append(sampleEntries(["c"]), claimedBy: alive)
    #expect(try Outbox(home: home).status().claimed == 3)
    dead = nil
    let looker = try #require(try Outbox.existing(home: home))
    #expect(try looker.status().claimed == 1 && looker.status().count(.pending) == 3)
    #expect(try looker.list().map(\.isClaimed) == [false, false, true])
    withExtendedLifetime(alive) {}
  }

  @Test func `the files of dead deliverers are removed, those of living ones stay`() throws {
    let owner = try ClaimOwner(home: home)
    try Data().write(to: URL(fileURLWithPath: home.deliverersDirectory + "/dead.lock"))
    try Outbox(home: home).prune(.standard)
    #expect(try FileManager.default.contentsOfDirectory(atPath: home.deliverersDirectory) == ["\(owner.name).lock"])
    #expect(ClaimOwner.isAlive(owner.name, in: home))
  }
}
