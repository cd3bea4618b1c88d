// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
package import Platform
package import RunModel
package import StateStore

/// The only driver of delivery: takes records through the outbox to a destination, for `exec`, `batch` and `outbox
/// deliver` alike.
///
/// ## Theory of operation
///
///     submit ─► queue ─┬─► outbox, claimed ─► policy, destination ─► outcome ─► outbox
///                      └─► destination that answers immediately: durable when it acknowledges
///
/// A state machine. Things happen only in ``turn()``, in the order of its body, and nothing in it waits but for the
/// locks of the outbox. The owner calls it on a thread of its own (``DeliveryThread``) or between other work, when the
/// destination has events and at ``nextTurn`` at the latest, and takes the completed records afterwards. Time comes
/// from a ``DeliveryClock``, all that leaves the process goes through a ``Destination``, and all that must survive is
/// in the outbox: so it can be simulated, and crashed between any two steps.
///
/// A record is sent only under this worker's claim, which ends in the transaction that stores the outcome of the
/// record. After a crash in between, the next deliverer sends it again, under the same key.
package final class DeliveryWorker {
  /// Time between two looks of the policy at the clock while records are in flight.
  static let tick = Duration.milliseconds(100)

  private let connection: Connection
  private let access: OutboxAccess
  private let destination: any Destination
  private let scope: DeliveryScope
  private let clock: any DeliveryClock
  private var policy: DeliveryPolicy

  private var queue = SubmissionQueue()
  private var firstWindowEnd: Timestamp?
  private var tracker: DeliveryTracker
  private var claims: ClaimSchedule
  private var outcomes: OutcomeBuffer
  private var maintenance: OutboxMaintenance
  private var outage: String?
  /// Whether the destination must begin anew.
  private var isSpent = false

  /// A worker for the outbox behind `access`.
  package init(
    _ connection: Connection, _ access: OutboxAccess, _ destination: any Destination, _ scope: DeliveryScope,
    clock: any DeliveryClock = SystemClock()
  ) {
    self.connection = connection
    self.access = access
    self.destination = destination
    self.scope = scope
    self.clock = clock
    tracker = DeliveryTracker(connection.onExpiry, reportsAll: scope == .outbox)
    // A few records have no time for one producer after the other.
    policy = DeliveryPolicy(
      mostQuarterings: scope == .submitted ? 0 : BatchLimit.manyQuarterings,
      longestPause: destination.answersAtOnce ? FileDestination.pause : DeliveryPolicy.longestPause)
    let now = clock.elapsed
    claims = ClaimSchedule(others: scope == .submitted ? 0 : .max, at: now)
    outcomes = OutcomeBuffer(at: now)
    maintenance = OutboxMaintenance(connection, at: now)
    // An outage of a broker does not concern a file.
    guard !destination.answersAtOnce, let outage = try? access.existing()?.outage() else { return }
    policy.assumeOutage(since: outage.since, until: outage.until)
  }

  // MARK: For the owner

  /// Takes a record; the next turn stores or delivers it.
  package func submit(_ record: InsightsRecord) {
    tracker.submit(at: clock.elapsed)
    queue.append(record)
  }

  /// The submitted records that became durable since the last call: safe in the outbox, appended to the file, or lost
  /// for a stated reason. Each exactly once; its ticket is 1 for the first that was submitted, then one more each time.
  package func takeDurable() -> [DurablePayload] { queue.takeDurable() }

  /// Messages for the user since the last call.
  package func takeNotices() -> [DeliveryNotice] { access.takeNotices() + tracker.takeNotices() }
  /// The submitted records at this moment.
  package var counts: PayloadCounts { tracker.counts }
  /// The outcomes of all records, and how long delivery took.
  var figures: DeliveryFigures { tracker.figures }
  /// The outcomes of all records.
  package var totals: DeliveryTotals {
    get { tracker.totals }
    set { tracker.totals = newValue }
  }
  /// The last outcome of a submitted record.
  package var ending: RecordEnding? { tracker.ending }
  /// Whether something is known to be wrong with the broker, and not only that no answer has come.
  var hasTrouble: Bool { policy.hasTrouble }
  /// The reason for a record that still waits.
  var causeOfWaiting: String { destination.problem.map { "\($0)" } ?? policy.causeOfWaiting }
  /// Whether nothing is left to do now.
  package var isIdle: Bool { hasSentAll && hasStoredAll }
  /// Whether nothing is in flight or left to send now. The outbox may not know all outcomes yet.
  var hasSentAll: Bool { queue.isEmpty && !claims.isMoreWaiting && policy.count == 0 }
  /// Whether nothing is in flight and the outbox knows all outcomes.
  private var hasStoredAll: Bool { policy.count == 0 && outcomes.isEmpty }

  /// When there is something to do at the latest, if the destination has no event before.
  package var nextTurn: MonotonicInstant {
    let now = clock.elapsed
    guard queue.isEmpty, !claims.isWorthClaiming(capacity, isSendingAlone: policy.isSendingAlone) else { return now }
    let maintained = scope == .submitted ? now + OutboxMaintenance.pause : maintenance.due
    let others = [claims.due(capacity, at: now), outcomes.due, policy.count > 0 ? now + Self.tick : nil]
    return others.compactMap(\.self).reduce(maintained, min)
  }

  /// Does the work that is due.
  ///
  /// - Throws: the outbox's first error. Each step was tried all the same, and what could not be stored is kept for the
  ///   next turn.
  package func turn() throws(StateError) {
    var failure: StateError?
    func attempt(_ step: () throws(StateError) -> Void) {
      do throws(StateError) { try step() } catch { failure = failure ?? error }
    }
    takeSubmissions()
    attempt(claimIfDue)
    for event in destination.poll() { perform(policy.handle(event, now: clock.now)) }
    perform(policy.tick(now: clock.now))
    if isSpent { renewDestination() }
    attempt(storeIfDue)
    attempt(maintainIfDue)
    noteObstacle()
    if let failure { throw failure }
  }

  /// Delivers some records of others from now on.
  package func deliverOthers(atMost limit: Int) throws(StateError) {
    guard let outbox = try access.existing() else { return }
    // Most of the time there are none, and this one question is cheaper than those of a claim.
    guard try outbox.hasOthers(besides: tracker.own.last) else { return outbox.removeDeadDeliverers() }
    claims.deliverOthers(atMost: limit, at: clock.elapsed)
  }

  /// No answer is waited for any longer: a missing one means that the broker is down.
  package func declareOutage() { perform(policy.stopWaiting(now: clock.now)) }

  /// Stores submitted records and reclaims all records from the destination. Undelivered records wait in the outbox,
  /// claimed by no process once its ``OutboxAccess`` is gone.
  ///
  /// - Parameter maintains: whether windows are ended and the retention is kept, too.
  package func close(maintains: Bool = true) throws(StateError) {
    takeSubmissions()
    if scope != .submitted || policy.count > 0 { reclaim() }
    if !outcomes.isEmpty { try store() }
    if maintains, let outbox = try access.existing() {
      try endWindows(outbox)
      try prune(outbox)
    }
    access.shortenLog()
  }

  // MARK: Submitted records

  private func takeSubmissions() {
    if destination.answersAtOnce { sendQueue() }
    if !queue.isEmpty { storeQueue() }
  }

  /// To a destination that answers immediately.
  private func sendQueue() {
    while case let group = queue.records.prefix(destination.capacity), !group.isEmpty {
      for (index, record) in group.enumerated() { _ = destination.send(Int64(index), record) }
      // It takes a group in order, up to the first record that it does not take.
      let written = destination.poll().count { if case .acknowledged = $0 { true } else { false } }
      tracker.write(written, at: clock.elapsed)
      queue.makeDurable(written, Delivery(.written))
      if written < group.count { return }
      // It takes what waits, too.
      if tracker.obstacle != nil { claims.wake(at: clock.elapsed) }
    }
  }

  private func storeQueue() {
    let now = clock.now
    let problem = destination.problem
    let detail = problem.map { "\($0)" }
    let entries = queue.records.map {
      OutboxEntry($0, createdAt: now, window: connection.deliveryWindow, obstacle: detail)
    }
    var delivery = Delivery(.queued, detail: detail)
    do throws(StateError) {
      let outbox = try access.open()
      // Records that the destination does not take now are left for any deliverer to claim, this one included.
      let isSent = capacity >= entries.count
      let ids = try outbox.append(
        entries, claimedBy: isSent ? access.claimOwner() : nil, removing: outcomes.acknowledged)
      outcomes.removed(at: clock.elapsed)
      if !isSent { claims.expectMore() }
      tracker.store(ids)
      firstWindowEnd = firstWindowEnd ?? entries.first?.windowEnd
      if isSent { for (id, entry) in zip(ids, entries) { send(id, entry.record, windowEnd: entry.windowEnd) } }
    } catch {
      delivery = access.keepAside(entries, because: error, after: problem)
      tracker.setAside(entries.count, isKept: delivery.state == .queued)
    }
    queue.makeDurable(entries.count, delivery)
  }

  // MARK: Claiming and sending

  private var capacity: Int { min(policy.capacity, destination.capacity) }

  private func claimIfDue() throws(StateError) {
    let wanted = claims.wanted(capacity, isSendingAlone: policy.isSendingAlone, at: clock.elapsed)
    guard wanted > 0 else { return }
    claims.begin(at: clock.elapsed)
    guard let outbox = try access.existing() else { return }
    // The owner of claims is a file, which a home without pending records does not need.
    if !access.hasClaimOwner, !access.hasFallback, try outbox.pendingCount() == 0 { return }
    let claim = try outbox.claim(limit: wanted, for: access.claimOwner(), at: clock.now)
    claims.claimed(claim.records.count, isMore: claim.records.count + claim.corrupt.count >= wanted)
    for record in claim.records {
      send(
        record.id, record.record, windowEnd: record.windowEnd, attempts: record.attempts,
        mayBePersisted: record.possiblyPersisted)
    }
    if !claim.corrupt.isEmpty { tracker.corrupt(claim.corrupt) }
  }

  private func send(
    _ id: Int64, _ record: InsightsRecord, windowEnd: Timestamp, attempts: Int = 0, mayBePersisted: Bool = false
  ) {
    let now = clock.now
    policy.take(id, windowEnd: windowEnd, attempts: attempts, mayBePersisted: mayBePersisted, now: now)
    if case .refused(let cause) = destination.send(id, record) { perform(policy.refuse(id, cause, now: now)) }
  }

  // MARK: Outcomes

  private func perform(_ actions: [DeliveryPolicy.Action]) {
    for action in actions {
      switch action {
      case .remove(let id):
        outcomes.acknowledge(id)
        end(id, .delivered)
      case .tryAgain(let id, let moment, let cause, let mayBePersisted):
        outcomes.fail(id, .retry(at: moment), cause, mayBePersisted)
        end(id, .postponed(cause))
      case .expire(let id, let cause, let mayBePersisted):
        outcomes.fail(id, .expire, cause, mayBePersisted)
        end(id, .expired(cause))
      case .reject(let id, let reason):
        outcomes.fail(id, .reject, reason, false)
        end(id, .rejected(reason))
      case .replaceProducer: isSpent = true
      case .announceOutage(_, let until, let cause):
        // An outbox that cannot take the note takes no payload either, and that is reported where it matters.
        try? access.open().noteOutage(until: until, error: cause, at: clock.now)
        outage = cause
      case .announceRecovery:
        try? access.open().clearOutage()
        outage = nil
      }
    }
  }

  /// Not before all events of a poll were heard: there may be acknowledgements behind the one that ended the producer.
  private func renewDestination() {
    isSpent = false
    reclaim()
    destination.reopen(quarterings: policy.quarterings)
    policy.producerWasReplaced()
  }

  private func reclaim() {
    for event in destination.reclaim() { perform(policy.handle(event, now: clock.now)) }
    perform(policy.reclaimRest(now: clock.now))
  }

  private func end(_ id: Int64, _ ending: RecordEnding) {
    tracker.end(id, ending, at: clock.elapsed)
    switch ending {
    case .rejected, .expired: maintenance.pruneSoon(at: clock.elapsed)
    case .delivered, .postponed: break
    }
  }

  // MARK: The outbox

  private func storeIfDue() throws(StateError) { if outcomes.isDue(at: clock.elapsed) { try store() } }

  private func store() throws(StateError) {
    let retries = try outcomes.store(in: access.open(), of: access.claimOwner, connection.onExpiry, clock: clock)
    for moment in retries {
      let pause = Duration.microseconds(max(0, moment.microseconds - clock.now.microseconds))
      claims.wake(at: clock.elapsed + pause)
      if pause == .zero { claims.expectMore() }
    }
  }

  private func maintainIfDue() throws(StateError) {
    guard scope != .submitted, maintenance.due <= clock.elapsed else { return }
    maintenance.begin(at: clock.elapsed)
    guard let outbox = try access.existing() else { return }
    try endWindows(outbox)
    if maintenance.isPruneDue(at: clock.elapsed) { try prune(outbox) }
    guard counts.waiting > 0, hasStoredAll, try outbox.pendingCount() == 0 else { return }
    // Nothing is pending any more: other deliverers ended the records that still count as waiting.
    tracker.endRest(
      listed: try OutboxMaintenance.givenUp(tracker.own, in: outbox),
      mayBeDropped: connection.onExpiry == .drop && firstWindowEnd.map { $0 <= clock.now } ?? false)
  }

  private func endWindows(_ outbox: Outbox) throws(StateError) {
    for (id, ending) in try maintenance.endWindows(outbox, tracker.obstacle, at: clock.now) { end(id, ending) }
  }

  private func prune(_ outbox: Outbox) throws(StateError) {
    tracker.totals.removed += try maintenance.prune(outbox, clock: clock)
  }

  private func noteObstacle() {
    var current = outage.map { DestinationProblem.outage($0) }
    if let problem = destination.problem {
      // A problem that no record waits for is none to the user.
      current = scope == .outbox || counts.waiting > 0 || tracker.obstacle != nil ? problem : nil
    } else if destination.answersAtOnce, counts.waiting > 0 {
      // Records that a file refused wait in the outbox: the file stops being an obstacle once they are written.
      current = tracker.obstacle
    }
    tracker.note(current)
  }
}
