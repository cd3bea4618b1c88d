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
///                      └─► destination that answers at once: durable when it acknowledges
///
/// A state machine. Things happen only in ``turn()``, in the order of its body, and nothing in it waits but for the locks
/// of the outbox. The owner calls it on a thread of its own (``DeliveryThread``) or between other work, when the
/// destination has events and at ``nextTurn`` at the latest, and takes afterwards what was completed. Time comes from a
/// ``DeliveryClock``, all that leaves the process goes through a ``Destination``, and all that must survive is in the
/// outbox: so it can be simulated, and crashed between any two steps.
///
/// A record is sent only under this worker's claim, which ends in the transaction that stores what became of the record.
/// After a crash in between, the next deliverer sends it again, under the same key.
package final class DeliveryWorker {
  /// Acknowledged records are removed when so many have gathered, or after so long: each removal is a transaction.
  static let removalGroup = 4000
  static let removalPause = Duration.milliseconds(100)
  /// While more wait than the destination takes, they are claimed as soon as so many fit.
  static let claimGroup = 1000
  /// How often records are looked for that others left, or that are due again.
  static let claimPause = Duration.milliseconds(500)
  /// How often ended windows and dead deliverers are looked for, and how often old records are removed.
  static let carePause = Duration.seconds(1)
  static let prunePause = Duration.seconds(60)
  /// How often the policy looks at the time while records are in flight.
  static let tick = Duration.milliseconds(100)

  private let connection: Connection
  private let access: OutboxAccess
  private let destination: any Destination
  private let scope: DeliveryScope
  private let clock: any DeliveryClock
  private var policy: DeliveryPolicy

  private var queue: ArraySlice<InsightsRecord> = []
  private var lastTicket: UInt64 = 0
  private var firstWindowEnd: Timestamp?
  private var durable: [DurablePayload] = []
  private var tracker: DeliveryTracker
  /// Records of others that are still to be delivered.
  private var others: Int

  /// What became of records and is not in the outbox yet.
  private var acknowledged: [Int64] = []
  private var failed: [FailedAttempt] = []
  private var outage: String?
  /// Whether the destination must begin anew.
  private var isSpent = false
  private var isMoreWaiting = false
  private var nextClaim: MonotonicInstant
  private var nextRemoval: MonotonicInstant
  private var nextCare: MonotonicInstant
  private var nextPrune: MonotonicInstant

  /// A worker for the outbox behind `access`.
  ///
  package init(
    _ connection: Connection, _ access: OutboxAccess, _ destination: any Destination, _ scope: DeliveryScope,
    clock: any DeliveryClock = SystemClock()
  ) {
    self.connection = connection
    self.access = access
    self.destination = destination
    self.scope = scope
    self.clock = clock
    others = scope == .submitted ? 0 : .max
    tracker = DeliveryTracker(connection.onExpiry, reportsAll: scope == .outbox)
    // Time for a few records is no time for one producer after the other.
    policy = DeliveryPolicy(
      mostQuarterings: scope == .submitted ? 0 : BatchLimit.manyQuarterings,
      longestPause: destination.answersAtOnce ? FileDestination.pause : DeliveryPolicy.longestPause)
    let now = clock.elapsed
    (nextClaim, nextRemoval, nextCare, nextPrune) = (now, now, now, now)
    // What is known of a broker is not about a file.
    guard !destination.answersAtOnce, let outage = try? access.existing()?.outage() else { return }
    policy.assumeOutage(since: outage.since, until: outage.until)
  }

  // MARK: For the owner

  /// Takes a record; the next turn stores or delivers it.
  package func submit(_ record: InsightsRecord) {
    tracker.submit(at: clock.elapsed)
    queue.append(record)
  }

  /// The submitted records that became durable since the last call: safe in the outbox, appended to the file, or lost for
  /// a stated reason. Each exactly once; its ticket is 1 for the first that was submitted, then one more each time.
  package func takeDurable() -> [DurablePayload] {
    defer { durable = [] }
    return durable
  }

  /// What a user must know since the last call.
  package func takeNotices() -> [DeliveryNotice] { access.takeNotices() + tracker.takeNotices() }
  /// The submitted records at this moment.
  package var counts: PayloadCounts { tracker.counts }
  /// What became of all records, and how long that took.
  var figures: DeliveryFigures { tracker.figures }
  /// What became of all records.
  package var totals: DeliveryTotals {
    get { tracker.totals }
    set { tracker.totals = newValue }
  }
  /// What became of the submitted record that was last heard of.
  package var ending: RecordEnding? { tracker.ending }
  /// Whether something is known to be wrong with the broker, and not only that no answer has come.
  var hasTrouble: Bool { policy.hasTrouble }
  /// The reason for a record that still waits.
  var causeOfWaiting: String { destination.problem.map { "\($0)" } ?? policy.causeOfWaiting }
  /// Whether nothing is left to do now.
  package var isIdle: Bool { hasSentAll && hasStoredAll }
  /// Whether nothing is in flight or left to send now. The outbox may not know all outcomes yet.
  var hasSentAll: Bool { queue.isEmpty && !isMoreWaiting && policy.count == 0 }
  /// Whether nothing is in flight and the outbox knows all outcomes.
  private var hasStoredAll: Bool { policy.count == 0 && acknowledged.isEmpty && failed.isEmpty }

  /// When there is something to do at the latest, if the destination has no event before.
  package var nextTurn: MonotonicInstant {
    let now = clock.elapsed
    guard queue.isEmpty, !isWorthClaiming else { return now }
    var next = scope == .submitted ? now + Self.carePause : nextCare
    if others > 0 { next = min(next, capacity > 0 ? nextClaim : now + Self.tick) }
    if !acknowledged.isEmpty { next = min(next, nextRemoval) }
    return policy.count > 0 ? min(next, now + Self.tick) : next
  }

  /// Does what is due.
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
    attempt(careIfDue)
    noteObstacle()
    if let failure { throw failure }
  }

  /// Delivers some records of others from now on.
  package func deliverOthers(atMost limit: Int) throws(StateError) {
    guard let outbox = try access.existing() else { return }
    // Most of the time there are none, and this one question is cheaper than those of a claim.
    guard try outbox.hasOthers(besides: tracker.own.last) else { return outbox.removeDeadDeliverers() }
    (others, isMoreWaiting, nextClaim) = (limit, true, clock.elapsed)
  }

  /// No answer is waited for any longer: one that has not come says that the broker is down.
  package func declareOutage() { perform(policy.stopWaiting(now: clock.now)) }

  /// Stores what was submitted and takes everything back from the destination. What is not delivered waits in the outbox,
  /// claimed by no process once its ``OutboxAccess`` is gone.
  ///
  /// - Parameter maintains: whether windows are ended and the retention is kept, too.
  package func close(maintains: Bool = true) throws(StateError) {
    takeSubmissions()
    if scope != .submitted || policy.count > 0 { reclaim() }
    if !acknowledged.isEmpty || !failed.isEmpty { try store() }
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

  /// To a destination that answers at once.
  private func sendQueue() {
    while case let group = queue.prefix(destination.capacity), !group.isEmpty {
      for (index, record) in group.enumerated() { _ = destination.send(Int64(index), record) }
      // It takes a group in order, up to the first record that it does not take.
      let written = destination.poll().count { if case .acknowledged = $0 { true } else { false } }
      tracker.write(written, at: clock.elapsed)
      makeDurable(written, Delivery(.written))
      if written < group.count { return }
      // It takes what waits, too.
      if tracker.obstacle != nil { nextClaim = clock.elapsed }
    }
  }

  private func storeQueue() {
    let now = clock.now
    let problem = destination.problem
    let detail = problem.map { "\($0)" }
    let entries = queue.map {
      OutboxEntry($0, createdAt: now, window: connection.deliveryWindow, obstacle: detail)
    }
    var delivery = Delivery(.queued, detail: detail)
    do throws(StateError) {
      let outbox = try access.open()
      // What the destination does not take now is left for any deliverer to claim, this one included.
      let isSent = capacity >= entries.count
      let ids = try outbox.append(entries, claimedBy: isSent ? access.token() : nil, removing: acknowledged)
      acknowledged = []
      nextRemoval = clock.elapsed + Self.removalPause
      isMoreWaiting = isMoreWaiting || !isSent
      tracker.store(ids)
      firstWindowEnd = firstWindowEnd ?? entries.first?.windowEnd
      if isSent { for (id, entry) in zip(ids, entries) { send(id, entry.record, windowEnd: entry.windowEnd) } }
    } catch {
      delivery = access.keepAside(entries, because: error, after: problem)
      tracker.setAside(entries.count, isKept: delivery.state == .queued)
    }
    makeDurable(entries.count, delivery)
  }

  /// The first records of the queue are durable.
  private func makeDurable(_ count: Int, _ delivery: Delivery) {
    for _ in 0..<count {
      lastTicket += 1
      durable.append(DurablePayload(ticket: lastTicket, delivery: delivery))
    }
    queue = queue.dropFirst(count)
  }

  // MARK: Claiming and sending

  private var capacity: Int { min(policy.vacancies, destination.capacity) }

  /// Whether to claim before the next look, because more waits than was taken.
  private var isWorthClaiming: Bool {
    isMoreWaiting && capacity >= (policy.isSendingAlone ? 1 : min(Self.claimGroup, others)) && others > 0
  }

  private func claimIfDue() throws(StateError) {
    let wanted = min(capacity, others)
    guard wanted > 0, isWorthClaiming || nextClaim <= clock.elapsed else { return }
    nextClaim = clock.elapsed + Self.claimPause
    isMoreWaiting = false
    guard let outbox = try access.existing() else { return }
    // A token is a file, which a home where nothing ever waits does not need.
    if !access.hasToken, !access.hasFallback, try outbox.pendingCount() == 0 { return }
    let claim = try outbox.claim(limit: wanted, for: access.token(), at: clock.now)
    isMoreWaiting = claim.records.count + claim.corrupt.count >= wanted
    if others < .max { others -= claim.records.count }
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
        acknowledged.append(id)
        end(id, .delivered)
      case .tryAgain(let id, let moment, let cause, let mayBePersisted):
        fail(id, .retry(at: moment), cause, mayBePersisted)
        end(id, .postponed(cause))
      case .expire(let id, let cause, let mayBePersisted):
        fail(id, .expire, cause, mayBePersisted)
        end(id, .expired(cause))
      case .reject(let id, let reason):
        fail(id, .reject, reason, false)
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
    perform(policy.takeBackRest(now: clock.now))
  }

  private func fail(_ id: Int64, _ consequence: FailedAttempt.Consequence, _ error: String, _ mayBePersisted: Bool) {
    failed.append(FailedAttempt(id: id, consequence, error: error, possiblyPersisted: mayBePersisted))
  }

  private func end(_ id: Int64, _ ending: RecordEnding) {
    tracker.end(id, ending, at: clock.elapsed)
    switch ending {
    case .rejected, .expired: nextPrune = clock.elapsed
    case .delivered, .postponed: break
    }
  }

  // MARK: The outbox

  private func storeIfDue() throws(StateError) {
    let isRemovalDue = acknowledged.count >= Self.removalGroup || nextRemoval <= clock.elapsed
    // Failures are stored immediately: the records may be due again.
    if !failed.isEmpty || isRemovalDue && !acknowledged.isEmpty { try store() }
  }

  private func store() throws(StateError) {
    let outbox = try access.open()
    try outbox.remove(acknowledged)
    acknowledged = []
    nextRemoval = clock.elapsed + Self.removalPause
    guard !failed.isEmpty else { return }
    try outbox.record(failed, of: access.token(), at: clock.now, connection.onExpiry)
    for case .retry(let moment) in failed.map(\.consequence) {
      let pause = Duration.microseconds(max(0, moment.microseconds - clock.now.microseconds))
      nextClaim = min(nextClaim, clock.elapsed + pause)
      isMoreWaiting = isMoreWaiting || pause == .zero
    }
    failed = []
  }

  private func careIfDue() throws(StateError) {
    guard scope != .submitted, nextCare <= clock.elapsed else { return }
    nextCare = clock.elapsed + Self.carePause
    guard let outbox = try access.existing() else { return }
    try endWindows(outbox)
    if nextPrune <= clock.elapsed { try prune(outbox) }
    if counts.waiting > 0, hasStoredAll, try outbox.pendingCount() == 0 { try endRest(outbox) }
  }

  /// Gives up the records whose window ended and that no deliverer holds.
  private func endWindows(_ outbox: Outbox) throws(StateError) {
    let cause = tracker.obstacle.map { "\($0)" }
    for record in try outbox.expire(at: clock.now, connection.onExpiry, because: cause) {
      end(
        record.id, record.wasDenied ? .rejected("the broker denied it until its window ended") : .expired(cause ?? ""))
    }
  }

  private func prune(_ outbox: Outbox) throws(StateError) {
    tracker.totals.removed += try outbox.prune(connection.retention, at: clock.now)
    nextPrune = clock.elapsed + Self.prunePause
  }

  /// Nothing is pending any more: other deliverers ended the records that still count as waiting.
  private func endRest(_ outbox: Outbox) throws(StateError) {
    var listed = 0
    var last = tracker.own.first - 1
    while case let page = try outbox.list(states: OutboxSelection.settled.states, after: last, limit: 1000),
      let end = page.last
    {
      listed += page.count { tracker.own.contains($0.id) }
      last = end.id
    }
    tracker.endRest(
      listed: listed, mayBeDropped: connection.onExpiry == .drop && firstWindowEnd.map { $0 <= clock.now } ?? false)
  }

  private func noteObstacle() {
    var current = outage.map { DestinationProblem.outage($0) }
    if let problem = destination.problem {
      // A problem that no record waits for is none to the user.
      current = scope == .outbox || counts.waiting > 0 || tracker.obstacle != nil ? problem : nil
    } else if destination.answersAtOnce, counts.waiting > 0 {
      // What a file refused waits in the outbox: the file is no obstacle any more once that is written.
      current = tracker.obstacle
    }
    tracker.note(current)
  }
}
