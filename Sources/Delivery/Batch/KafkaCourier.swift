internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// Carries a batch's payloads into the outbox and from there to Kafka. Lives on the delivery thread.
final class KafkaCourier: PayloadCourier {
  /// Acknowledged records are removed when so many have gathered, or after so long: each removal costs a transaction.
  static let removalGroup = 4000
  static let removalPause = Duration.milliseconds(100)
  /// While more wait than the producer has room for, they are claimed as soon as so many fit.
  static let claimGroup = 2000
  /// How often waiting records are looked for that nobody gave back here: left by others, or due again.
  static let claimPause = Duration.milliseconds(500)

  private let connection: Connection
  private let say: (String) -> Void
  private let records: BatchRecords
  private var store: OutboxAccess
  private let engine: DeliveryEngine?
  private var lastRemoval: MonotonicInstant
  private var nextClaim: MonotonicInstant
  private var isMoreWaiting = false

  init(
    connection: Connection, home: HomeDirectory, wake: Int32, say: @escaping (String) -> Void,
    count: @escaping (PayloadChange) -> Void
  ) {
    self.connection = connection
    self.say = say
    records = BatchRecords(connection: connection, say: say, count: count)
    store = OutboxAccess(home: home)
    lastRemoval = MonotonicInstant.now()
    nextClaim = MonotonicInstant.now()
    if let outbox = store.open(), let token = store.token() {
      try? outbox.useLongLog()
      engine = DeliveryEngine(connection: connection, outbox: outbox, token: token, traffic: .many)
    } else {
      engine = nil
    }
    store.takeNotes().forEach(say)
    engine?.onEnding = { [records] id, ending in records.end(id, ending) }
    engine?.wake(wake)
    engine?.onOutage = { [unowned self] cause in tellOutage(cause) }
    if let problem = engine?.problem { records.sayOnce("payloads of this batch wait in the outbox: \(problem)") }
  }

  var patience: Int32 { engine?.policy.count ?? 0 > 0 ? 20 : 100 }

  func take(_ payloads: [QueuedPayload]) -> [SettledPayload] {
    let now = WallClock.now()
    let obstacle = engine?.problem.map { "\($0)" }
    let entries = payloads.map {
      OutboxEntry($0.record, createdAt: now, window: connection.deliveryWindow, obstacle: obstacle)
    }
    guard let engine, let outbox = store.open() else {
      return records.settleAside(payloads, entries, in: store, because: nil)
    }
    // What does not fit into the producer now is left for anyone to claim, this courier included.
    let isSentAtOnce = engine.vacancies >= entries.count
    let acknowledged = engine.takeAcknowledged()
    let numbers: [Int64]
    do throws(StateError) {
      numbers = try outbox.append(entries, claimedBy: isSentAtOnce ? store.token() : nil, removing: acknowledged)
      lastRemoval = MonotonicInstant.now()
    } catch {
      engine.giveBackAcknowledged(acknowledged)
      return records.settleAside(payloads, entries, in: store, because: error)
    }
    records.add(numbers)
    isMoreWaiting = isMoreWaiting || !isSentAtOnce
    if isSentAtOnce {
      for (number, entry) in zip(numbers, entries) { engine.send(number, entry.record, windowEnd: entry.windowEnd) }
    }
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: Delivery(.queued)) }
  }

  func turn() {
    guard let engine, let outbox = store.open() else { return }
    engine.turn(waiting: 0)
    let now = MonotonicInstant.now()
    do throws(StateError) {
      let isRemovalDue = engine.acknowledged.count >= Self.removalGroup || lastRemoval + Self.removalPause <= now
      if engine.hasFailures || (isRemovalDue && !engine.acknowledged.isEmpty) {
        try engine.store()
        lastRemoval = MonotonicInstant.now()
      }
      let isWorthClaiming =
        isMoreWaiting && (engine.policy.isSendingAlone || engine.vacancies >= Self.claimGroup)
      let wanted = engine.vacancies
      if wanted > 0, engine.hasGivenBack || isWorthClaiming || nextClaim <= now {
        nextClaim = now + Self.claimPause
        let claim = try engine.claim(atMost: wanted)
        store.report(corrupt: claim.corrupt, say)
        isMoreWaiting = claim.count + claim.corrupt.count >= wanted
      }
      let cause = engine.problem.map { "\($0)" } ?? ""
      try records.care(for: outbox, isIdle: engine.policy.count == 0 && engine.acknowledged.isEmpty, cause: cause)
    } catch {
      // What could not be written is kept and tried again; a record may be sent twice for it, under the same key.
      records.sayOnce("delivery is held up: \(error)")
    }
  }

  func finish() {
    guard let engine else { return }
    engine.finish()
    let outbox = store.open()
    do throws(StateError) {
      try engine.store()
      if let outbox { try records.endWindows(outbox, cause: engine.problem.map { "\($0)" } ?? "") }
    } catch { records.sayOnce("delivery ended with the outbox behind: \(error)") }
    // A log that stays long only costs whoever opens it next a few milliseconds.
    try? outbox?.shortenLog()
  }

  /// A bar that only waits would hide what it waits for.
  private func tellOutage(_ cause: String?) {
    let outage = "the broker is down"
    if let cause {
      records.sayOnce("\(outage), and payloads wait in the outbox: \(cause)")
    } else if records.forget(outage) {
      say("the broker answers again")
    }
  }
}
