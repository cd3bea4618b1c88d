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
  /// How often ended windows and the records of dead deliverers are looked for.
  static let carePause = Duration.seconds(1)

  private let connection: Connection
  private let say: (String) -> Void
  private let count: (PayloadChange) -> Void
  private var store: OutboxAccess
  private let engine: DeliveryEngine?
  private var own = RecordRanges()
  private var ownWaiting = 0
  private var lastRemoval: ContinuousClock.Instant
  private var nextClaim: ContinuousClock.Instant
  private var isMoreWaiting = false
  private var nextCare: ContinuousClock.Instant
  private var nextPrune: ContinuousClock.Instant
  private var said: Set<String> = []
  private var isExpiryTold = false
  private let clock = ContinuousClock()

  init(
    connection: Connection, home: HomeDirectory, wake: Int32, say: @escaping (String) -> Void,
    count: @escaping (PayloadChange) -> Void
  ) {
    self.connection = connection
    self.say = say
    self.count = count
    store = OutboxAccess(home: home)
    lastRemoval = clock.now
    nextClaim = clock.now
    nextCare = clock.now
    nextPrune = clock.now
    if let outbox = store.open(), let token = store.token() {
      try? outbox.useLongLog()
      engine = DeliveryEngine(connection: connection, outbox: outbox, token: token, traffic: .many)
    } else {
      engine = nil
    }
    store.takeNotes().forEach(say)
    engine?.onEnding = { [unowned self] id, ending in end(id, ending) }
    engine?.wake(wake)
    engine?.onOutage = { [unowned self] cause in tellOutage(cause) }
    if let problem = engine?.problem { sayOnce("payloads of this batch wait in the outbox: \(problem)") }
  }

  var patience: Int32 { engine?.policy.count ?? 0 > 0 ? 20 : 100 }

  func take(_ payloads: [QueuedPayload]) -> [SettledPayload] {
    let now = WallClock.now()
    let entries = payloads.map { OutboxEntry($0.record, createdAt: now, window: connection.deliveryWindow) }
    guard let engine, let outbox = store.open() else { return settleAside(payloads, entries, because: nil) }
    // What does not fit into the producer now is left for anyone to claim, this courier included.
    let isSentAtOnce = engine.vacancies >= entries.count
    let acknowledged = engine.takeAcknowledged()
    let numbers: [Int64]
    do throws(StateError) {
      numbers = try outbox.append(entries, claimedBy: isSentAtOnce ? store.token() : nil, removing: acknowledged)
      lastRemoval = clock.now
    } catch {
      engine.giveBackAcknowledged(acknowledged)
      return settleAside(payloads, entries, because: error)
    }
    own.add(numbers)
    ownWaiting += numbers.count
    isMoreWaiting = isMoreWaiting || !isSentAtOnce
    if isSentAtOnce {
      for (number, entry) in zip(numbers, entries) { engine.send(number, entry.record, windowEnd: entry.windowEnd) }
    }
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: Delivery(.queued)) }
  }

  func turn() {
    guard let engine, let outbox = store.open() else { return }
    engine.turn(waiting: 0)
    let now = clock.now
    do throws(StateError) {
      let isRemovalDue = engine.acknowledged.count >= Self.removalGroup || lastRemoval + Self.removalPause <= now
      if engine.hasFailures || (isRemovalDue && !engine.acknowledged.isEmpty) {
        try engine.store()
        lastRemoval = clock.now
      }
      let isWorthClaiming = isMoreWaiting && engine.vacancies >= Self.claimGroup
      if engine.hasGivenBack || isWorthClaiming || nextClaim <= now {
        nextClaim = now + Self.claimPause
        let wanted = engine.vacancies
        let claim = try engine.claim(atMost: wanted)
        store.report(corrupt: claim.corrupt, say)
        isMoreWaiting = wanted > 0 && claim.count + claim.corrupt.count >= wanted
      }
      if nextCare <= now {
        nextCare = now + Self.carePause
        try care(outbox, engine)
      }
    } catch {
      // What could not be written is kept and tried again; a record may be sent twice for it, under the same key.
      sayOnce("delivery is held up: \(error)")
    }
  }

  func finish() {
    guard let engine else { return }
    engine.finish()
    do throws(StateError) { try engine.store() } catch { sayOnce("delivery ended with the outbox behind: \(error)") }
    // A log that stays long only costs whoever opens it next a few milliseconds.
    try? store.open()?.shortenLog()
  }

  private func care(_ outbox: Outbox, _ engine: DeliveryEngine) throws(StateError) {
    for record in try outbox.expire(connection.onExpiry) {
      end(record.id, record.wasDenied ? .rejected("the broker denied it until its window ended") : .expired(""))
    }
    if nextPrune <= clock.now {
      nextPrune = clock.now + OutboxDelivery.prunePause
      try outbox.prune(connection.retention)
    }
    // Another deliverer may have sent what this batch stored: then nothing of it waits any longer.
    if ownWaiting > 0, engine.policy.count == 0, engine.acknowledged.isEmpty, try outbox.pendingCount() == 0 {
      count(.delivered(ownWaiting))
      ownWaiting = 0
    }
  }

  private func end(_ id: Int64, _ ending: DeliveryEngine.Ending) {
    guard own.contains(id), ownWaiting > 0 else { return }
    ownWaiting -= 1
    switch ending {
    case .delivered: count(.delivered(1))
    case .expired(let cause):
      count(.lost(1))
      if !isExpiryTold { say(connection.onExpiry.sentence(of: "payloads of this batch", cause: cause)) }
      isExpiryTold = true
    case .rejected(let reason):
      count(.lost(1))
      sayOnce("a payload was rejected and stays in the outbox for `algo-run outbox list`: \(reason)")
    }
  }

  private func settleAside(
    _ payloads: [QueuedPayload], _ entries: [OutboxEntry], because error: StateError?
  ) -> [SettledPayload] {
    let delivery = store.keepAside(entries, because: error, sayOnce)
    count(delivery.state == .queued ? .left(payloads.count) : .lost(payloads.count))
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: delivery) }
  }

  /// A bar that only waits would hide what it waits for.
  private func tellOutage(_ cause: String?) {
    if let cause {
      sayOnce("the broker is down, and payloads wait in the outbox: \(cause)")
    } else if said.contains(where: { $0.hasPrefix("the broker is down") }) {
      said = said.filter { !$0.hasPrefix("the broker is down") }
      say("the broker answers again")
    }
  }

  private func sayOnce(_ line: String) {
    if said.insert(line).inserted { say(line) }
  }
}

/// Numbers of records as ranges: a batch's own are next to one another, so millions take a few bytes.
struct RecordRanges {
  private var ranges: [ClosedRange<Int64>] = []

  /// Adds numbers that are greater than all before, in order.
  mutating func add(_ numbers: [Int64]) {
    for number in numbers {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
  }

  /// Whether a number was added.
  func contains(_ number: Int64) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(number)
  }
}
