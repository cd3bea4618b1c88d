// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import RunModel
internal import StateStore

/// Decides what becomes of each record: a pure state machine between the events of a producer and the actions of the
/// worker.
///
/// It uses no broker, no database and no clock; its owner (see ``DeliveryWorker``) reports what happened and when,
/// and carries out the actions, in order. Every record taken in leaves by exactly one action: removed, tried again,
/// expired or rejected.
struct DeliveryPolicy {
  /// A task for the owner.
  enum Action: Equatable {
    /// It is acknowledged: forget it.
    case remove(Int64)
    /// Give it back to the outbox, not to be attempted before then.
    case tryAgain(Int64, at: Timestamp, cause: String, mayBePersisted: Bool)
    /// Its window is over.
    case expire(Int64, cause: String, mayBePersisted: Bool)
    /// The broker will never take it.
    case reject(Int64, reason: String)
    /// Take all records back from the producer and make a new one.
    case replaceProducer
    /// Announce to all deliverers of this home that the broker is down, until then or until one finds it up.
    case announceOutage(since: Timestamp, until: Timestamp, cause: String)
    /// Announce that it is back.
    case announceRecovery
  }

  /// How many records may be inside the producer while all is well: enough to fill 4 requests to each of several
  /// brokers.
  static let mostInFlight = 10_000
  /// During an outage. Records inside serve to find its end; the others wait in the outbox, where the end of a window
  /// costs nothing.
  static let mostInOutage = 16
  /// The first pause before another attempt, and the longest; each pause doubles.
  static let firstPause = Duration.milliseconds(250)
  static let longestPause = Outbox.longestPause
  /// How long a record waits under a broker's trouble before that counts as an outage.
  static let outageAfter = Duration.seconds(2)
  /// How long an announced outage holds at least and at most before a deliverer tries again. It grows as it lasts.
  static let shortestOutage = Duration.seconds(5)
  static let longestOutage = Duration.seconds(60)
  /// Ended windows are looked for so often: each find replaces the producer.
  static let windowGrain = Duration.seconds(1)

  private struct InFlight {
    let windowEnd: Timestamp
    let attempts: Int
    let takenAt: Timestamp
    var mayBePersisted: Bool
  }

  private struct Outage {
    var since: Timestamp
    var until: Timestamp
  }

  private let longestPause: Duration
  private var batches: BatchLimit
  private var inFlight: [Int64: InFlight] = [:]
  /// The record that was handed over while the producer had no other, until another follows: it has a batch to itself.
  private var alone: Int64?
  private var outage: Outage?
  private var troubleSince: Timestamp?
  private var lastTrouble: KafkaCause?
  private var nextWindowCheck = Timestamp(microseconds: .min)
  /// Set once the producer is finished: until it is replaced, every failure is its and not the record's.
  private var isProducerDead = false
  /// Whether it came to that end without one acknowledgement: then the next may fare no better.
  private var failedBeforeFirstAck = false
  private var hasAcknowledged = false

  /// - Parameters:
  ///   - mostQuarterings: how often the size of batches may be quartered before records are sent one at a time.
  ///   - longestPause: before another attempt.
  init(mostQuarterings: Int = BatchLimit.manyQuarterings, longestPause: Duration = Self.longestPause) {
    self.longestPause = longestPause
    batches = BatchLimit(mostQuarterings: mostQuarterings)
  }

  /// Records taken in and not yet left.
  var count: Int { inFlight.count }

  /// Whether the broker counts as down.
  var isInOutage: Bool { outage != nil }

  /// How many more records may be handed over.
  var capacity: Int {
    guard !isProducerDead, !batches.needsNewProducer else { return 0 }
    if isSendingAlone { return inFlight.isEmpty ? 1 : 0 }
    return max(0, (isInOutage ? Self.mostInOutage : Self.mostInFlight) - inFlight.count)
  }

  /// Whether records are sent one at a time, because larger batches were refused.
  var isSendingAlone: Bool { batches.recordsToSendAlone > 0 }

  /// How often the batches of the next producer are to be quartered.
  var quarterings: Int { batches.quarterings }

  /// An outage that another deliverer announced.
  mutating func assumeOutage(since: Timestamp, until: Timestamp) { outage = Outage(since: since, until: until) }

  /// A record was handed to the producer.
  mutating func take(_ id: Int64, windowEnd: Timestamp, attempts: Int, mayBePersisted: Bool, now: Timestamp) {
    alone = inFlight.isEmpty ? id : nil
    inFlight[id] = InFlight(windowEnd: windowEnd, attempts: attempts, takenAt: now, mayBePersisted: mayBePersisted)
  }

  /// The producer did not take a record that was handed over, so it was in no batch.
  mutating func refuse(_ id: Int64, _ cause: KafkaCause, now: Timestamp) -> [Action] {
    fail(id, cause, mayBePersisted: false, isAlone: true, now: now) + replaceIfDrained()
  }

  /// An event of the producer.
  mutating func handle(_ event: ProducerEvent, now: Timestamp) -> [Action] {
    switch event {
    case .acknowledged(let id):
      guard inFlight.removeValue(forKey: id) != nil else { return [] }
      hasAcknowledged = true
      batches.acknowledged(alone: id == alone)
      return recover() + [.remove(id)] + replaceIfDrained()
    case .failed(let id, let cause, let mayBePersisted):
      return fail(id, cause, mayBePersisted: mayBePersisted, isAlone: id == alone, now: now) + replaceIfDrained()
    case .trouble(let cause):
      note(cause, now: now)
      return []
    case .fatal(let cause):
      note(cause, now: now)
      guard !isProducerDead else { return [] }
      endProducer()
      return [.replaceProducer]
    }
  }

  /// The producer is gone. Each record that it did not report counts as failed without an answer.
  mutating func reclaimRest(now: Timestamp) -> [Action] {
    isProducerDead = true
    let cause = KafkaCause.withoutAnswer
    return inFlight.keys.sorted().flatMap { fail($0, cause, mayBePersisted: true, isAlone: false, now: now) }
  }

  /// Batches of another size need another producer.
  private mutating func replaceIfDrained() -> [Action] {
    guard batches.needsNewProducer, inFlight.isEmpty, !isProducerDead else { return [] }
    isProducerDead = true
    return [.replaceProducer]
  }

  /// A new producer replaces the old one, whose records have all been reported or reclaimed.
  mutating func producerWasReplaced() {
    (isProducerDead, failedBeforeFirstAck, hasAcknowledged) = (false, false, false)
    batches.producerWasMade()
  }

  private mutating func endProducer() { (isProducerDead, failedBeforeFirstAck) = (true, !hasAcknowledged) }

  /// Time passes: windows end and trouble becomes an outage.
  mutating func tick(now: Timestamp) -> [Action] {
    var actions: [Action] = []
    if let since = troubleSince, since + Self.outageAfter <= now, isAnyWaiting(since: now + (.zero - Self.outageAfter))
    {
      actions += declareOutage(now: now)
    }
    guard nextWindowCheck <= now else { return actions }
    nextWindowCheck = now + Self.windowGrain
    if !isProducerDead, inFlight.values.contains(where: { $0.windowEnd <= now }) {
      // One record cannot be taken back from librdkafka alone, so all are; their windows decide for each.
      isProducerDead = true
      actions.append(.replaceProducer)
    }
    return actions
  }

  /// The wait for an answer is over: from now on any trouble counts as an outage.
  mutating func stopWaiting(now: Timestamp) -> [Action] { declareOutage(now: now) }

  /// Whether something is known to be wrong, and not only no answer yet.
  var hasTrouble: Bool { lastTrouble != nil }

  /// The cause to report for a record that waits.
  var causeOfWaiting: String { lastTrouble?.text ?? "the broker did not answer in time" }

  private mutating func recover() -> [Action] {
    troubleSince = nil
    lastTrouble = nil
    guard outage != nil else { return [] }
    outage = nil
    return [.announceRecovery]
  }

  private mutating func note(_ cause: KafkaCause, now: Timestamp) {
    if lastTrouble == nil || !cause.isSummary { lastTrouble = cause }
    if cause.isOutage, troubleSince == nil { troubleSince = now }
  }

  private func isAnyWaiting(since moment: Timestamp) -> Bool { inFlight.values.contains { $0.takenAt <= moment } }

  private mutating func declareOutage(now: Timestamp) -> [Action] {
    let since = outage?.since ?? now
    // Announced again only when the last announcement is about to lapse.
    if let outage, now < outage.until { return [] }
    let until = Self.endOfOutage(since: since, now: now)
    outage = Outage(since: since, until: until)
    var actions: [Action] = [.announceOutage(since: since, until: until, cause: causeOfWaiting)]
    // The password may have been changed where it is kept: only a new producer reads it again.
    if lastTrouble?.isAuthentication == true, !isProducerDead {
      isProducerDead = true
      actions.append(.replaceProducer)
    }
    return actions
  }

  /// Until when an outage that was found to last is believed: the longer it has lasted the longer.
  static func endOfOutage(since: Timestamp, now: Timestamp) -> Timestamp {
    let lasted = Duration.microseconds(now.microseconds - since.microseconds)
    return now + min(max(lasted, shortestOutage), longestOutage)
  }

  private mutating func fail(
    _ id: Int64, _ cause: KafkaCause, mayBePersisted: Bool, isAlone: Bool, now: Timestamp
  ) -> [Action] {
    guard var record = inFlight.removeValue(forKey: id) else { return [] }
    record.mayBePersisted = record.mayBePersisted || mayBePersisted
    // The library's text for a record that was reclaimed from it is not a cause.
    var words = cause.isReclaimed ? KafkaCause.withoutAnswer.text : cause.text
    if cause.meaning == .unexplained { words = lastTrouble?.text ?? words }
    if cause.meaning == .denied { words = FailedAttempt.denial + words }
    if cause.meaning != .unexplained { lastTrouble = cause }
    var actions: [Action] = []
    switch cause.meaning {
    case .batchRefused where isAlone:
      batches.refusedAlone()
      return [.reject(id, reason: words)]
    case .batchRefused: batches.refusedAmongOthers()
    case .producerDead where !isProducerDead:
      endProducer()
      actions.append(.replaceProducer)
    case .passing, .denied, .unexplained, .producerDead: break
    }
    if record.windowEnd <= now {
      // A record that the broker may have must not be called rejected.
      return actions + [
        cause.meaning == .denied && !record.mayBePersisted
          ? .reject(id, reason: words) : .expire(id, cause: words, mayBePersisted: record.mayBePersisted)
      ]
    }
    // A record that was reclaimed with its producer did not fail itself: the next attempt may follow immediately,
    // unless the broker ends one producer after the other.
    let wasReclaimed = !failedBeforeFirstAck && (isProducerDead || cause.meaning == .producerDead || cause.isReclaimed)
    // Nor is a batch that was too large for the broker: the next one is smaller.
    let pause =
      wasReclaimed || cause.meaning == .batchRefused
      ? .zero : min(Self.pause(afterAttempts: record.attempts), longestPause)
    let next = min(now + pause, record.windowEnd)
    return actions + [.tryAgain(id, at: next, cause: words, mayBePersisted: record.mayBePersisted)]
  }

  /// The pause after an attempt that `attempts` others preceded.
  static func pause(afterAttempts attempts: Int) -> Duration {
    min(firstPause * (1 << min(attempts, 16)), longestPause)
  }
}
