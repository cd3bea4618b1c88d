internal import Platform
internal import RunModel
internal import StateStore

/// The payloads of a batch that went into the outbox, whoever carries them on: which records they are, how many of them
/// still wait, how each ends, and what is told of that. Lives on the delivery thread.
final class BatchRecords {
  /// How often ended windows and the records of dead deliverers are looked for.
  static let carePause = Duration.seconds(1)

  private let connection: Connection
  private let say: (String) -> Void
  private let count: (PayloadChange) -> Void
  private var own = RecordRanges()
  /// So many of them are neither delivered nor given up.
  private(set) var waiting = 0
  /// So many of them were given up here, and can be listed.
  private var kept = 0
  private var nextCare: MonotonicInstant
  private var nextPrune: MonotonicInstant
  private var said: Set<String> = []
  private var isExpiryTold = false

  init(connection: Connection, say: @escaping (String) -> Void, count: @escaping (PayloadChange) -> Void) {
    self.connection = connection
    self.say = say
    self.count = count
    nextCare = MonotonicInstant.now()
    nextPrune = MonotonicInstant.now()
  }

  /// Payloads of the batch were stored under these numbers, and wait.
  func add(_ numbers: [Int64]) {
    own.add(numbers)
    waiting += numbers.count
  }

  /// A record left for good; one of others is not the batch's to count.
  func end(_ id: Int64, _ ending: DeliveryEngine.Ending) {
    guard own.contains(id), waiting > 0 else { return }
    waiting -= 1
    switch ending {
    case .delivered: count(.delivered(1))
    case .expired(let cause):
      count(.lost(1))
      if connection.onExpiry == .keep { kept += 1 }
      tellExpiry(because: cause)
    case .rejected(let reason):
      count(.lost(1))
      kept += 1
      sayOnce("a payload was rejected and stays in the outbox for `algo-run outbox list`: \(reason)")
    }
  }

  /// From time to time: ends windows, keeps to the retention, and sees what others did for the batch.
  ///
  /// - Parameters:
  ///   - isIdle: whether all that the batch claimed has its outcome in the outbox.
  ///   - cause: what has held delivery up, if that is known.
  func care(for outbox: Outbox, isIdle: Bool, cause: String = "") throws(StateError) {
    let now = MonotonicInstant.now()
    guard nextCare <= now else { return }
    nextCare = now + Self.carePause
    try endWindows(outbox, cause: cause)
    if nextPrune <= now {
      nextPrune = now + OutboxDelivery.prunePause
      try outbox.prune(connection.retention)
    }
    if waiting > 0, isIdle, try outbox.pendingCount() == 0 { try settleRest(outbox) }
  }

  /// Gives up what is late by now. Also at the end: the last window ends with the time that a batch drains.
  func endWindows(_ outbox: Outbox, cause: String = "") throws(StateError) {
    var dropped = 0
    for record in try outbox.expire(connection.onExpiry, because: cause.isEmpty ? nil : cause) {
      if !own.contains(record.id), !record.wasDenied, connection.onExpiry == .drop { dropped += 1 }
      end(record.id, record.wasDenied ? .rejected("the broker denied it until its window ended") : .expired(cause))
    }
    // What is kept can be listed; what was dropped is told now or never.
    if dropped > 0 { say(connection.onExpiry.sentence(of: "\(dropped) earlier payload(s)", cause: "")) }
  }

  /// Puts payloads aside that the outbox does not take; see ``OutboxAccess/keepAside(_:because:after:_:)``.
  func settleAside(
    _ payloads: [QueuedPayload], _ entries: [OutboxEntry], in store: OutboxAccess, because error: StateError?,
    after obstacle: String? = nil
  ) -> [SettledPayload] {
    let delivery = store.keepAside(entries, because: error, after: obstacle, sayOnce)
    count(delivery.state == .queued ? .left(payloads.count) : .lost(payloads.count))
    return payloads.map { SettledPayload(ticket: $0.ticket, delivery: delivery) }
  }

  /// Says a line unless it was said before.
  func sayOnce(_ line: String) {
    if said.insert(line).inserted { say(line) }
  }

  /// Lets lines that begin so be said again.
  ///
  /// - Returns: whether one was said.
  func forget(_ beginning: String) -> Bool {
    let before = said.count
    said = said.filter { !$0.hasPrefix(beginning) }
    return said.count < before
  }

  /// Nothing is pending any more: other deliverers ended what this batch still counts. What they gave up can be listed,
  /// the rest arrived.
  private func settleRest(_ outbox: Outbox) throws(StateError) {
    var givenUp = 0
    var last = own.first - 1
    while true {
      let page = try outbox.list(states: OutboxSelection.settled.states, after: last, limit: 1000)
      guard let end = page.last else { break }
      givenUp += page.count { own.contains($0.id) }
      last = end.id
    }
    let lost = min(waiting, max(0, givenUp - kept))
    count(.delivered(waiting - lost))
    waiting = 0
    guard lost > 0 else { return }
    kept += lost
    count(.lost(lost))
    sayOnce("\(lost) payload(s) of this batch were given up; see `algo-run outbox list`")
  }

  private func tellExpiry(because cause: String) {
    if !isExpiryTold { say(connection.onExpiry.sentence(of: "payloads of this batch", cause: cause)) }
    isExpiryTold = true
  }
}

/// Numbers of records as ranges: a batch's own are next to one another, so millions take a few bytes.
struct RecordRanges {
  private var ranges: [ClosedRange<Int64>] = []

  /// The least number; 0 where there is none.
  var first: Int64 { ranges.first?.lowerBound ?? 0 }

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
