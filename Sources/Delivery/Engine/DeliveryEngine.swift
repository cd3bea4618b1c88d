internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// Drives one producer and the outbox as ``DeliveryPolicy`` decides. For one thread at a time.
///
/// The only file that carries out the policy's actions. Acknowledged records are removed in groups, because each change
/// of the outbox takes its write lock; a crash in between sends them a second time, under the same key.
final class DeliveryEngine {
  /// What became of a record, for those who count.
  enum Ending { case delivered, rejected(String), expired(String) }

  /// A producer that could not be made is tried again after so long.
  static let producerPause = Duration.seconds(5)

  /// How long a broker that has answered before may take to say something of the topic, in milliseconds.
  private static let topicWait: Int32 = 100

  private let outbox: Outbox
  private let token: DelivererToken
  private let traffic: ProducerSettings.Traffic
  private(set) var connection: Connection
  private(set) var policy: DeliveryPolicy
  private var producer: KafkaProducer?
  private var nextProducerAt: Timestamp
  private var wakeDescriptor: Int32?

  /// Why there is no producer, in a sentence.
  private(set) var problem: KafkaError?
  /// Acknowledged, and still in the outbox.
  private(set) var acknowledged: [Int64] = []
  /// By the moment, in microseconds since 1970, before which they are not to be attempted again.
  private var failed: [Int64: [FailedAttempt]] = [:]
  private var expired: [FailedAttempt] = []
  private var rejected: [FailedAttempt] = []
  /// Called for each record that leaves for good.
  var onEnding: ((Int64, Ending) -> Void)?
  /// Called with the cause when the broker begins to count as down, and with nil when it answers again.
  var onOutage: ((String?) -> Void)?
  /// Set where records were given back, so that there is something to claim.
  private(set) var hasGivenBack = false

  /// An engine for the records that `token` claims. The producer is made at once and connects in the background.
  init(connection: Connection, outbox: Outbox, token: DelivererToken, traffic: ProducerSettings.Traffic) {
    self.connection = connection
    self.outbox = outbox
    self.token = token
    self.traffic = traffic
    // Who has time for a few records only cannot spend it on one producer after the other.
    policy = DeliveryPolicy(mostQuarterings: traffic == .many ? BatchLimit.manyQuarterings : 0)
    nextProducerAt = WallClock.now()
    if let outage = try? outbox.outage() { policy.assumeOutage(since: outage.since, until: outage.until) }
    makeProducer()
  }

  /// Whether a broker has answered this engine's producer.
  var hasBrokerAnswered: Bool { producer?.hasBrokerAnswered ?? false }
  /// How many more records may be handed over.
  var vacancies: Int { producer == nil ? 0 : policy.vacancies }
  /// What is to be said of a record that waits.
  var causeOfWaiting: String { problem.map { "\($0)" } ?? policy.causeOfWaiting }

  /// Has a byte written to `descriptor` whenever ``turn(waiting:)`` has something to do.
  func wake(_ descriptor: Int32) {
    wakeDescriptor = descriptor
    producer?.wake(descriptor)
  }

  /// Hands over a record that the token has claimed.
  func send(
    _ id: Int64, _ record: InsightsRecord, windowEnd: Timestamp, attempts: Int = 0, mayBePersisted: Bool = false
  ) {
    let now = WallClock.now()
    policy.take(id, windowEnd: windowEnd, attempts: attempts, mayBePersisted: mayBePersisted, now: now)
    switch producer?.produce(id, key: record.key, value: record.value, headers: record.headers) {
    case .taken: break
    case .refused(let cause): carryOut(policy.refuse(id, cause, now: now))
    case nil: carryOut(policy.handle(.failed(id, .withoutAnswer, mayBePersisted: false), now: now))
    }
  }

  /// Claims waiting records and hands them over.
  ///
  /// - Returns: how many, and which were found damaged and set aside.
  func claim(atMost limit: Int) throws(StateError) -> (count: Int, corrupt: [Int64]) {
    let limit = min(limit, vacancies)
    guard limit > 0 else { return (0, []) }
    hasGivenBack = false
    let claim = try outbox.claim(limit: limit, for: token)
    for record in claim.records {
      send(
        record.id, record.record, windowEnd: record.windowEnd, attempts: record.attempts,
        mayBePersisted: record.possiblyPersisted)
    }
    return (claim.records.count, claim.corrupt)
  }

  /// Takes what the producer tells, waiting for the first of it at most so long, and what time brings.
  func turn(waiting milliseconds: Int32) {
    if producer == nil, nextProducerAt <= WallClock.now() { makeProducer() }
    for event in producer?.poll(waiting: milliseconds) ?? [] { carryOut(policy.handle(event, now: WallClock.now())) }
    carryOut(policy.tick(now: WallClock.now()))
  }

  /// Nobody waits any longer: an answer that has not come says that the broker is down.
  func stopWaiting() { carryOut(policy.stopWaiting(now: WallClock.now())) }

  /// Where nothing is known to be wrong and no acknowledgement comes, it may be the topic, of which the library itself
  /// says nothing for half a minute. A broker that has answered before does so within milliseconds.
  func askAboutTopic() {
    guard !policy.hasTrouble, let producer, producer.hasBrokerAnswered,
      case .refused(let cause, _) = producer.describeTopic(waiting: Self.topicWait)
    else { return }
    carryOut(policy.handle(.trouble(cause), now: WallClock.now()))
  }

  /// Takes every record back from the producer; what is known of each is in the outbox after ``store()``.
  func takeAllBack() {
    let now = WallClock.now()
    if let producer {
      if wakeDescriptor != nil { producer.stopWaking() }
      for event in producer.abandon() { carryOut(policy.handle(event, now: now)) }
      producer.closeInBackground()
    }
    producer = nil
    carryOut(policy.takeBackRest(now: now))
  }

  /// Ends the engine's producer and its waking; ``store()`` may follow, nothing else.
  func finish() {
    takeAllBack()
    wakeDescriptor = nil
    nextProducerAt = Timestamp(microseconds: .max)
  }

  /// Another connection from now on.
  func reconnect(_ connection: Connection) {
    takeAllBack()
    self.connection = connection
    makeProducer()
  }

  /// The acknowledged records, to be removed together with what is appended next.
  func takeAcknowledged() -> [Int64] {
    defer { acknowledged = [] }
    return acknowledged
  }

  /// What could not be removed after all.
  func giveBackAcknowledged(_ records: [Int64]) { acknowledged += records }

  /// Writes what happened since the last time into the outbox. What could not be written is kept for the next time.
  func store() throws(StateError) {
    if !acknowledged.isEmpty {
      try outbox.remove(acknowledged)
      acknowledged = []
    }
    if !expired.isEmpty {
      try outbox.expire(expired, of: token, connection.onExpiry)
      expired = []
    }
    if !rejected.isEmpty {
      try outbox.reject(rejected, of: token)
      rejected = []
    }
    for (moment, attempts) in failed {
      try outbox.reschedule(attempts, notBefore: Timestamp(microseconds: moment), of: token)
      failed[moment] = nil
    }
  }

  /// Whether ``store()`` has something to write besides acknowledgements.
  var hasFailures: Bool { !(failed.isEmpty && expired.isEmpty && rejected.isEmpty) }

  private func makeProducer() {
    do throws(KafkaError) {
      let producer = try KafkaProducer(
        ProducerSettings(connection, traffic: traffic, quarterings: policy.quarterings))
      if let wakeDescriptor { producer.wake(wakeDescriptor) }
      self.producer = producer
      problem = nil
      policy.producerWasReplaced()
    } catch {
      problem = error
      nextProducerAt = WallClock.now() + Self.producerPause
    }
  }

  private func carryOut(_ actions: [DeliveryPolicy.Action]) {
    for action in actions {
      switch action {
      case .remove(let id):
        acknowledged.append(id)
        onEnding?(id, .delivered)
      case .tryAgain(let id, let moment, let cause, let mayBePersisted):
        // To the tenth of a second, so that records which failed together are given back together; not to one that is
        // over, or the last moments of a window would be spent in one attempt after the other.
        let tenth = moment.microseconds / 100_000 * 100_000
        let rounded = tenth > WallClock.now().microseconds ? tenth : moment.microseconds
        failed[rounded, default: []].append(FailedAttempt(id: id, error: cause, possiblyPersisted: mayBePersisted))
        hasGivenBack = true
      case .expire(let id, let cause, let mayBePersisted):
        expired.append(FailedAttempt(id: id, error: cause, possiblyPersisted: mayBePersisted))
        onEnding?(id, .expired(cause))
      case .reject(let id, let reason):
        rejected.append(FailedAttempt(id: id, error: reason))
        onEnding?(id, .rejected(reason))
      case .replaceProducer:
        takeAllBack()
        makeProducer()
      case .announceOutage(_, let until, let cause):
        // An outbox that cannot take the note takes no payload either, and that is reported where it matters.
        try? outbox.noteOutage(until: until, error: cause)
        onOutage?(cause)
      case .announceRecovery:
        try? outbox.clearOutage()
        onOutage?(nil)
      }
    }
  }
}
