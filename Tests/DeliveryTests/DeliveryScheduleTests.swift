// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import RunModel
import StateStore
import Testing

@testable import Delivery

/// The values that a delivery worker consists of.
@Suite struct DeliveryScheduleTests {
  private let start = MonotonicInstant.now()

  @Test func `records of others are claimed once a pause, and immediately while more wait than was taken`() {
    var claims = ClaimSchedule(others: .max, at: start)
    #expect(claims.wanted(2000, isSendingAlone: false, at: start) == 2000)
    claims.begin(at: start)
    claims.claimed(2000, isMore: true)
    #expect(claims.wanted(ClaimSchedule.group, isSendingAlone: false, at: start) == ClaimSchedule.group)
    #expect(claims.wanted(ClaimSchedule.group - 1, isSendingAlone: false, at: start) == 0)
    #expect(claims.wanted(1, isSendingAlone: true, at: start) == 1)
    claims.begin(at: start)
    claims.claimed(3, isMore: false)
    #expect(claims.wanted(2000, isSendingAlone: false, at: start) == 0)
    #expect(claims.due(1, at: start) == start + ClaimSchedule.pause)
    #expect(claims.wanted(2000, isSendingAlone: false, at: start + ClaimSchedule.pause) == 2000)
  }

  @Test func `a worker for submitted records claims only as many others as it was asked to`() {
    var claims = ClaimSchedule(others: 0, at: start)
    #expect(claims.wanted(10, isSendingAlone: false, at: start) == 0 && claims.due(10, at: start) == nil)
    claims.deliverOthers(atMost: 3, at: start)
    #expect(claims.wanted(10, isSendingAlone: false, at: start) == 3)
    claims.begin(at: start)
    claims.claimed(3, isMore: true)
    #expect(claims.wanted(10, isSendingAlone: false, at: start + .seconds(60)) == 0)
  }

  @Test func `a destination without room is asked again after a tick`() {
    let claims = ClaimSchedule(others: .max, at: start)
    #expect(claims.due(0, at: start + .seconds(1)) == start + .seconds(1) + DeliveryWorker.tick)
  }

  @Test func `acknowledgements are removed in groups, failures are stored immediately`() {
    var outcomes = OutcomeBuffer(at: start)
    outcomes.removed(at: start)
    #expect(outcomes.isEmpty && outcomes.due == nil)
    for id in 1..<OutcomeBuffer.removalGroup { outcomes.acknowledge(Int64(id)) }
    #expect(!outcomes.isDue(at: start) && outcomes.due == start + OutcomeBuffer.removalPause)
    #expect(outcomes.isDue(at: start + OutcomeBuffer.removalPause))
    outcomes.acknowledge(Int64(OutcomeBuffer.removalGroup))
    #expect(outcomes.isDue(at: start))
    outcomes.removed(at: start)
    outcomes.fail(1, .expire, "late", false)
    #expect(outcomes.isDue(at: start) && outcomes.due == nil)
  }

  @Test func `outcomes that the outbox does not take are kept`() throws {
    let folder = NSTemporaryDirectory() + "outcomes-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let home = try HomeDirectory(path: folder)
    let outbox = try Outbox(home: home)
    let owner = try ClaimOwner(home: home)
    let entries = ["a", "b"].map {
      OutboxEntry(
        InsightsRecord(key: $0, value: Array("{}".utf8), headers: []), createdAt: WallClock.now(), window: .seconds(60))
    }
    let ids = try outbox.append(entries, claimedBy: owner)
    var outcomes = OutcomeBuffer(at: start)
    outcomes.acknowledge(ids[0])
    outcomes.fail(ids[1], .retry(at: Timestamp(microseconds: 7)), "away", false)
    #expect(throws: StateError.self) {
      try outcomes.store(
        in: outbox, of: { () throws(StateError) in throw .locked(path: folder) }, .keep, clock: SystemClock())
    }
    #expect(!outcomes.isEmpty)
    let retries = try outcomes.store(
      in: outbox, of: { () throws(StateError) in owner }, .keep, clock: SystemClock())
    #expect(retries == [Timestamp(microseconds: 7)])
    #expect(outcomes.isEmpty)
    #expect(try outbox.list().map(\.id) == [ids[1]])
  }

  @Test func `tickets follow each other, whatever became of the records`() {
    var queue = SubmissionQueue()
    for key in ["a", "b", "c"] { queue.append(InsightsRecord(key: key, value: [], headers: [])) }
    queue.makeDurable(2, Delivery(.written))
    #expect(queue.records.map(\.key) == ["c"])
    queue.makeDurable(1, Delivery(.queued))
    #expect(queue.takeDurable().map(\.ticket) == [1, 2, 3])
    #expect(queue.takeDurable().isEmpty && queue.isEmpty)
  }
}
