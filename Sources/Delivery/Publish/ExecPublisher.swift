internal import Glibc
internal import KafkaClient
internal import Platform
public import RunModel
public import StateStore

/// Delivers the one payload of an `exec`: to Kafka by way of the outbox, or to a file.
///
/// It never throws, never waits longer than the connection's delivery wait, and what it could not deliver it leaves
/// where a later deliverer finds it. For the main thread. librdkafka's threads are left running at the end: waiting for
/// them could take seconds, so the process must leave by `_exit`.
public final class ExecPublisher: PayloadPublisher {
  /// Other waiting records that one `exec` delivers beside its own.
  static let recordsBeside = 100
  /// Whoever waits less says nothing about a broker by giving up.
  static let patience = Duration.seconds(1)
  /// How often a wait looks whether somebody asks algo-run to end.
  static let glance: Int32 = 50
  /// How long the other records may take once its own is acknowledged.
  static let waitForOthers = Duration.milliseconds(250)

  private let connection: Connection
  private let home: HomeDirectory
  private let say: (String) -> Void
  private let lockWait: Duration
  private var store: OutboxAccess
  private var engine: DeliveryEngine?
  private var isPrepared = false
  /// The thread that connects, until it is joined. What it makes belongs to the main thread afterwards.
  private var preparation: pthread_t?
  /// What was known of the broker when the child started.
  private var outage: BrokerOutage?
  /// Whether this process tries a broker again that for all others is down.
  private var isTryingForOthers = false
  /// When connecting began.
  private var connectingSince: MonotonicInstant?
  private var endings: [Int64: DeliveryEngine.Ending] = [:]

  /// A publisher for a home and its connection; nil means the file in the home.
  ///
  /// - Parameter say: shows the user one line, the prefix not included.
  public init(connection: Connection?, home: HomeDirectory, say: @escaping (String) -> Void) {
    self.connection = connection ?? Connection(kind: .file, filePath: home.insightsFile)
    self.home = home
    self.say = say
    // A lock that is held for longer than two seconds is that of a process that was stopped.
    lockWait = min(max(self.connection.deliveryWait, Outbox.momentaryLock), FileSink.patience)
    store = OutboxAccess(home: home, lockWait: lockWait)
  }

  /// Loads the library and begins to connect, while the child runs. With a file there is nothing to prepare.
  ///
  /// On a thread of its own: loading alone takes up to 15 ms, and meanwhile the main thread must see the child's end when
  /// it comes, or it would measure the library.
  public func prepare() {
    guard connection.kind != .file, !isPrepared else { return }
    isPrepared = true
    // Properties can ask for TLS, too.
    KafkaLibrary.loadInBackground(speaksTLS: connection.kind != .plaintext || !connection.properties.isEmpty)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let isStarted = SignalFreeThread.start(&thread, context.toOpaque()) { context in
      if let context { Unmanaged<ExecPublisher>.fromOpaque(context).takeRetainedValue().connect() }
      return nil
    }
    if isStarted {
      preparation = thread
    } else {
      context.release()
      connect()
    }
  }

  private func awaitPreparation() {
    prepare()
    // Its own wait for a lock began earlier and is no longer than that of the main thread, so it ends earlier.
    guard let preparation else { return }
    pthread_join(preparation, nil)
    self.preparation = nil
  }

  private func connect() {
    guard let outbox = store.open() else { return }
    // Where nobody is there to connect to, nobody waits for the library either.
    outage = (try? outbox.outage()).flatMap { isForOthersToEnd($0, outbox) ? $0 : nil }
    guard outage == nil, let token = store.token() else { return }
    connectingSince = MonotonicInstant.now()
    let engine = DeliveryEngine(connection: connection, outbox: outbox, token: token, traffic: .single)
    engine.onEnding = { [unowned self] id, ending in endings[id] = ending }
    self.engine = engine
  }

  /// Whether the broker is known to be down: also when that has just lapsed and another process is trying it again.
  private func isForOthersToEnd(_ outage: BrokerOutage, _ outbox: Outbox) -> Bool {
    let now = WallClock.now()
    if outage.isKnown(at: now) { return true }
    // Whoever does not wait for an answer would take the turn from those who do.
    guard connection.deliveryWait >= Self.patience else { return false }
    let until = DeliveryPolicy.endOfOutage(since: outage.since, now: now)
    isTryingForOthers = (try? outbox.takeTurn(after: outage, until: until)) ?? true
    return !isTryingForOthers
  }

  /// Stores the payload and delivers it if that can be done within the delivery wait.
  public func publish(_ record: InsightsRecord) -> Delivery {
    let start = MonotonicInstant.now()
    awaitPreparation()
    store.waitForLocks(until: start + lockWait)
    if connection.kind == .file { return publishToFile(record) }
    // The outbox was locked when the child started.
    if engine == nil, outage == nil { connect() }
    store.takeNotes().forEach(say)
    if let outage = outage ?? newOutage() {
      return keep(record, because: "the broker has been down since \(outage.since): \(outage.lastError)")
    }
    guard let engine, let outbox = store.open(), let token = store.token() else {
      return keepSomehow(record, because: nil)
    }
    if let problem = engine.problem { return keep(record, because: "\(problem)") }

    let now = WallClock.now()
    let entry = OutboxEntry(record, createdAt: now, window: connection.deliveryWindow)
    let id: Int64
    do throws(StateError) {
      guard let stored = try outbox.append([entry], claimedBy: token).first else {
        return keepSomehow(record, because: nil)
      }
      id = stored
    } catch {
      return keepSomehow(record, because: error)
    }
    engine.send(id, record, windowEnd: entry.windowEnd)
    return deliver(id, by: engine, until: start + connection.deliveryWait)
  }

  /// An outage that another process found while the child ran; nil where this one has an answer from a broker.
  private func newOutage() -> BrokerOutage? {
    guard !isTryingForOthers, let engine, !engine.hasBrokerAnswered, let found = try? store.open()?.outage() else {
      return nil
    }
    return found.isKnown(at: WallClock.now()) ? found : nil
  }

  private func deliver(
    _ id: Int64, by engine: DeliveryEngine, until end: MonotonicInstant
  ) -> Delivery {
    let isDown = hasFailedAllAlong(engine)
    let deadline = isDown ? MonotonicInstant.now() : end
    var isInterrupted = false
    while endings[id] == nil, !engine.hasFailures, MonotonicInstant.now() < deadline, !isInterrupted {
      engine.turn(waiting: min(Self.glance, milliseconds(until: deadline)))
      isInterrupted = endings[id] == nil && PendingSignals.askToEnd
    }
    if case .delivered = endings[id] { deliverOthers(besides: id, by: engine, until: deadline) }
    if endings[id] == nil { engine.askAboutTopic() }
    // An answer that did not come tells of the broker only where it had time to come.
    let isTelling = engine.policy.hasTrouble || connection.deliveryWait >= Self.patience && !isInterrupted
    let wasRefused = engine.hasFailures
    if endings[id] == nil, isTelling { engine.stopWaiting() }
    let cause = engine.causeOfWaiting
    if engine.policy.count > 0 { engine.takeAllBack() }
    // What fails here was stored before: at worst a record is sent again, under the same key.
    try? engine.store()
    if endings[id] == nil, let outbox = store.open() { care(for: outbox) }
    switch endings[id] {
    case .delivered: return Delivery(.delivered)
    case .rejected(let reason):
      say("the payload was rejected and stays in the outbox for `algo-run outbox list`: \(reason)")
      return Delivery(.rejected, detail: reason)
    case .expired(let reason):
      let window = DurationText.write(connection.deliveryWindow)
      say("the payload was not delivered within \(window) and \(connection.onExpiry.fateOfOne): \(reason)")
      return Delivery(.expired, detail: connection.onExpiry == .drop ? "dropped (--on-expiry drop): \(reason)" : reason)
    case nil:
      let detail =
        if connection.deliveryWait == .zero {
          "not waited for"
        } else if isInterrupted {
          "not waited for any longer, as algo-run was asked to end"
        } else if wasRefused || isDown {
          "not acknowledged: \(cause)"
        } else {
          "not acknowledged within \(DurationText.write(connection.deliveryWait)): \(cause)"
        }
      say("the payload waits in the outbox (\(detail))")
      return Delivery(.queued, detail: detail)
    }
  }

  /// Whether the broker failed for all of a wait while the child ran: then it has had its wait.
  private func hasFailedAllAlong(_ engine: DeliveryEngine) -> Bool {
    guard connection.deliveryWait > .zero, let connectingSince,
      connectingSince + max(connection.deliveryWait, Self.patience) <= MonotonicInstant.now()
    else { return false }
    engine.turn(waiting: 0)
    return engine.policy.hasTrouble && !engine.hasBrokerAnswered
  }

  /// A broker that answered takes a bounded number of those that wait as well.
  private func deliverOthers(
    besides id: Int64, by engine: DeliveryEngine, until deadline: MonotonicInstant
  ) {
    guard let outbox = store.open() else { return }
    // Most of the time it stood alone, and one question is cheaper than the seven of a claim and of care.
    guard (try? outbox.hasOthers(besides: id)) ?? true else { return outbox.removeDeadDeliverers() }
    let end = min(deadline, MonotonicInstant.now() + Self.waitForOthers)
    repeat {
      guard let claim = try? engine.claim(atMost: Self.recordsBeside) else { return }
      store.report(corrupt: claim.corrupt, say)
      guard claim.count > 0 else { break }
      while engine.policy.count > 0, MonotonicInstant.now() < end { engine.turn(waiting: milliseconds(until: end)) }
      // What was refused together goes on one by one, and has to be back in the outbox for that.
      if engine.hasFailures { try? engine.store() }
    } while engine.policy.isSendingAlone && MonotonicInstant.now() < end
    care(for: outbox)
  }

  /// Ends windows and keeps to the retention, so that a home where nothing but `exec` ever runs does not fill the disk.
  /// Most of the time this is two questions that take no lock.
  private func care(for outbox: Outbox) {
    let expired = ((try? outbox.expire(connection.onExpiry)) ?? []).filter { !$0.wasDenied }
    // What is kept can be listed; what was dropped is told now or never.
    if connection.onExpiry == .drop, !expired.isEmpty {
      say(connection.onExpiry.sentence(of: "\(expired.count) earlier payload(s)", cause: ""))
    }
    _ = try? outbox.prune(connection.retention)
  }

  private func milliseconds(until end: MonotonicInstant) -> Int32 {
    Int32(clamping: max(0, (end - MonotonicInstant.now()).wholeMicroseconds / 1000 + 1))
  }

  private func publishToFile(_ record: InsightsRecord) -> Delivery {
    let sink = FileSink(path: connection.filePath ?? home.insightsFile, patience: lockWait)
    do throws(FileSinkError) {
      if connection.filePath == home.insightsFile { try? home.create() }
      try sink.append([record.value])
    } catch {
      return keep(record, because: "\(error)")
    }
    appendOthers(to: sink)
    return Delivery(.written)
  }

  /// A file that takes lines takes a bounded number of those that wait as well. A home that never had an outbox pays
  /// nothing for it.
  private func appendOthers(to sink: FileSink) {
    guard let outbox = store.existing(),
      (try? outbox.pendingCount()) ?? 0 > 0 || FallbackFile.exists(in: home), let token = store.token()
    else { return }
    let carrier = FileCarrier(sink, outbox: outbox, token: token, atOnce: Self.recordsBeside)
    if let claim = try? carrier.claim() { store.report(corrupt: claim.corrupt, say) }
    // What fails here is still in the outbox: at worst a line is written again, under the same key.
    try? carrier.store()
  }

  /// Into the outbox, for a later deliverer.
  private func keep(_ record: InsightsRecord, because reason: String) -> Delivery {
    guard let outbox = store.open() else { return keepSomehow(record, because: nil, after: reason) }
    store.takeNotes().forEach(say)
    do throws(StateError) {
      try outbox.append([OutboxEntry(record, window: connection.deliveryWindow, obstacle: reason)])
    } catch {
      return keepSomehow(record, because: error, after: reason)
    }
    care(for: outbox)
    say("the payload waits in the outbox (\(reason))")
    return Delivery(.queued, detail: reason)
  }

  /// The outbox does not take it.
  private func keepSomehow(
    _ record: InsightsRecord, because error: StateError?, after obstacle: String? = nil
  ) -> Delivery {
    store.keepAside(
      [OutboxEntry(record, window: connection.deliveryWindow)], because: error, after: obstacle, say)
  }
}
