// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform
internal import RunModel
internal import Synchronization

/// The thread of one member of a consumer group: it owns both clients of Kafka, whose calls wait for brokers.
///
/// It polls the group at least each second whatever runs, so that the member stays one. Between a revocation and the
/// release of its partitions nothing is unassigned; during that time the library delivers nothing.
final class GroupMember: AssignmentWatcher, @unchecked Sendable {
  /// Time between two polls without an event.
  private static let idlePoll = Duration.milliseconds(100)
  /// Time between two polls that may bring a record although there is no room; revocations come by polls, too.
  private static let fullPoll = Duration.milliseconds(200)
  /// Records beyond the room before partitions are paused: that throws away what was read ahead.
  private static let overdraft = 64
  private static let messagesAtOnce = 512
  /// How long an answer of a broker is waited for when a partition is assigned.
  private static let patience = Duration.seconds(120)
  /// Kafka's code for a member that the group does not know.
  private static let unknownMember: Int32 = 25
  /// Two heartbeats, by which a fenced consumer learns of it.
  private static let fenceWait = Duration.seconds(7)

  /// How long the group may take to let this member go.
  private static let leaveWait = Duration.seconds(10)

  private let settings: ConsumeSettings
  private let connection: ProducerSettings
  private let consumer: GroupConsumer
  private let outputs: [String]
  private let commands: Mailbox<MemberCommand>
  private let events: Mailbox<MemberEvent>
  private let waker: Waker
  /// Units of room: one a record, and one more for each 4 KiB.
  private let room: Atomic<Int>
  private let mostRoom: Int
  private let isClosed = Atomic(false)
  // Of the thread.
  private var producer: GroupProducer?
  private var batchSize: Int
  private var limits: [String: Int]
  private var batch: [ConsumedMessage] = []
  private var owned: Set<Int32> = []
  /// Those of them that are to be released.
  private var revoked: Set<Int32> = []
  private var pausedForRoom = false
  private var paused: Set<Int32> = []
  private var isLeaving = false
  private var hasEnded = false
  private var nextFullPoll = MonotonicInstant.now()
  private var startOffsets: [Int32: Int64] = [:]
  private var replyTopics: [String: (partitions: Int, until: MonotonicInstant)] = [:]
  private var thread: Thread<Void>?

  /// - Parameters:
  ///   - outputs: topics that are written, with the bytes that a record batch of each may have.
  ///   - owner: the loop that is woken by events.
  init(
    _ settings: ConsumeSettings, _ connection: ProducerSettings, _ consumer: GroupConsumer, outputs: [String: Int],
    room: Int, waking owner: EventLoop
  ) throws(SystemError) {
    self.settings = settings
    self.connection = connection
    self.consumer = consumer
    self.outputs = outputs.keys.sorted()
    limits = outputs
    batchSize = GroupMember.batchSize(outputs)
    self.room = Atomic(room)
    mostRoom = room
    let loop = try EventLoop()
    waker = loop.waker
    commands = Mailbox(waking: loop)
    events = Mailbox(waking: owner)
    nonisolated(unsafe) let unsafeLoop = loop
    thread = try Thread.start { [self] in run(unsafeLoop) }
  }

  /// Bytes of the largest record batch that every topic takes, with a reserve for its header.
  private static func batchSize(_ limits: [String: Int]) -> Int {
    max(1024, min(1_000_000, (limits.values.min() ?? 1_000_000) - 1024))
  }

  // MARK: For the owner

  func send(_ command: MemberCommand) { commands.post(command) }
  func takeEvents() -> [MemberEvent] { events.takeAll() }

  /// Gives back the room of a record.
  func giveBack(_ units: Int) {
    let before = room.add(units, ordering: .relaxed).oldValue
    if before <= 0, before + units > 0 { waker.wake() }
  }

  /// Units of room that a record takes.
  static func units(_ size: Int) -> Int { 1 + size / 4096 }

  // MARK: The thread

  private func run(_ loop: EventLoop) {
    guard start() else { return }
    consumer.watcher = self
    consumer.wake(waker)
    events.post(.ready)
    if let cause = consumer.subscribe() { return end(.fatal(cause)) }
    while !hasEnded {
      let isBusy = poll()
      loop.turn(until: isBusy ? .now() : .now() + Self.idlePoll)
      for command in commands.takeAll() where !hasEnded { take(command) }
    }
  }

  private func start() -> Bool {
    do throws(KafkaError) {
      producer = try GroupProducer(connection, settings.group, batchSize: batchSize)
    } catch {
      end(.cannotStart(stage: "settings", "\(error)"))
      return false
    }
    switch producer?.initialize() {
    case .committed: break
    case .aborted(let cause, _), .fatal(let cause), .fenced(let cause):
      end(.cannotStart(stage: "transactions", cause.text))
      return false
    case nil: return false
    }
    if let (topic, cause) = producer?.probe(outputs) {
      end(.cannotStart(stage: "produce", "topic \(topic): \(cause.text)"))
      return false
    }
    return true
  }

  private func end(_ end: MemberEnd) {
    hasEnded = true
    post(.ended(end))
  }

  /// In order: records that were read before come first.
  private func post(_ event: MemberEvent) {
    flush()
    events.post(event)
  }

  private func flush() {
    if !batch.isEmpty { events.post(.messages(batch)) }
    batch = []
  }

  /// Takes what has come.
  ///
  /// - Returns: whether there may be more.
  private func poll() -> Bool {
    defer { flush() }
    adjustPause()
    while !hasEnded {
      let isFull = !pausedForRoom && room.load(ordering: .relaxed) <= 0
      if isFull {
        let now = MonotonicInstant.now()
        guard now >= nextFullPoll else { return false }
        nextFullPoll = now + Self.fullPoll
      }
      guard let polled = consumer.poll() else { return false }
      take(polled)
      if isFull { return false }
      if batch.count >= Self.messagesAtOnce { return true }
    }
    return false
  }

  private func adjustPause() {
    let left = room.load(ordering: .relaxed)
    if !pausedForRoom, left <= -Self.overdraft {
      pausedForRoom = true
      consumer.pause(owned.sorted())
    } else if pausedForRoom, left > mostRoom / 2 {
      pausedForRoom = false
      consumer.resume(owned.subtracting(paused).sorted())
    }
  }

  private func take(_ polled: GroupConsumer.Polled) {
    switch polled {
    case .message(let message):
      room.subtract(Self.units(message.size), ordering: .relaxed)
      batch.append(message)
    case .end(let place): post(.end(place))
    case .unreadable(let place, let cause): post(.unreadable(place, cause))
    case .lost(let partition, _):
      let first = consumer.range(of: partition, waiting: 5000)?.lowerBound
      post(.lost(partition: partition, committed: startOffsets[partition] ?? 0, first: first))
    case .trouble(let cause): post(.trouble(cause))
    case .fatal(let cause): end(cause.isFencing ? .fenced(cause) : .fatal(cause))
    }
  }

  private func take(_ command: MemberCommand) {
    switch command {
    case .write(let records, let offsets): write(records, offsets)
    case .pause(let partitions):
      paused.formUnion(partitions)
      consumer.pause(partitions)
    case .resume(let partitions):
      paused.subtract(partitions)
      if !pausedForRoom { consumer.resume(partitions) }
    case .release(let partitions): unassign(partitions)
    case .skip(let place):
      if let cause = consumer.seek(to: place, waiting: 5000) { post(.trouble(cause)) }
    case .compare(let offsets): compare(offsets)
    case .leave:
      isLeaving = true
      // Closing would wait for their release for ever.
      if !revoked.isEmpty { unassign(revoked.sorted()) }
      leaveGroup()
      end(.left)
    }
  }

  /// Leaves the group within a time: the library waits without a limit while the group assigns its partitions anew.
  /// Everything is committed by now. If the library goes on waiting, the group misses this member after its session.
  private func leaveGroup() {
    let deadline = MonotonicInstant.now() + Self.leaveWait
    guard (try? Thread.start { [self] in closeConsumer() }) != nil else { return consumer.close() }
    while !isClosed.load(ordering: .acquiring), MonotonicInstant.now() < deadline {
      Thread<Void>.pause(.milliseconds(2))
    }
  }

  /// On a thread of its own; this one calls nothing of the consumer meanwhile.
  private func closeConsumer() {
    consumer.close()
    isClosed.store(true, ordering: .releasing)
  }

  // MARK: Writing

  private func write(_ records: [OutgoingRecord], _ offsets: [PartitionOffset]) {
    let began = MonotonicInstant.now()
    // Asked for before the owner heard that they were lost: another member may have run these requests by now.
    guard offsets.allSatisfy({ owned.contains($0.partition) }) else {
      return post(.aborted(KafkaCause(code: Self.unknownMember, text: "its partitions were lost to another member")))
    }
    guard let outcome = producer?.write(records.map(placed), offsets, of: consumer) else { return }
    switch outcome {
    case .committed: post(.written(.now() - began))
    case .aborted(let cause, let refused):
      for topic in refused where replyTopics[topic] != nil { replyTopics[topic] = (0, .now() + .seconds(60)) }
      if cause.meaning == .batchRefused, !renewLimits() { return }
      post(.aborted(cause))
    case .fenced(let cause): fenced(because: cause)
    case .fatal(let cause): end(.fatal(cause))
    }
  }

  /// A record for a reply topic that is not there goes where other results go.
  private func placed(_ record: OutgoingRecord) -> OutgoingRecord {
    guard let fallback = record.fallback, !isThere(record) else { return record }
    var record = record
    (record.topic, record.partition) = (fallback.topic, fallback.partition)
    return record
  }

  private func isThere(_ record: OutgoingRecord) -> Bool {
    let now = MonotonicInstant.now()
    if replyTopics[record.topic].map({ $0.until <= now }) ?? true {
      var partitions = 0
      if case .found(let count, _) = consumer.describe(record.topic, waiting: 5000) { partitions = count }
      replyTopics[record.topic] = (partitions, now + .seconds(60))
    }
    return (record.partition ?? 0) < Int32(clamping: replyTopics[record.topic]?.partitions ?? 0)
  }

  /// A topic takes less than before: asks how much, and makes a producer of smaller batches if they are at fault.
  private func renewLimits() -> Bool {
    for topic in outputs {
      limits[topic] =
        consumer.setting("max.message.bytes", of: topic, waiting: 5000).flatMap { Int($0) } ?? limits[topic]
    }
    post(.limits(limits))
    let size = Self.batchSize(limits)
    guard size < batchSize else { return true }
    batchSize = size
    return renewProducer()
  }

  private func renewProducer() -> Bool {
    producer?.closeInBackground()
    do throws(KafkaError) {
      producer = try GroupProducer(connection, settings.group, batchSize: batchSize)
    } catch {
      end(.cannotStart(stage: "settings", "\(error)"))
      return false
    }
    switch producer?.initialize() {
    case .committed: return true
    case .aborted(let cause, _), .fatal(let cause): end(.fatal(cause))
    case .fenced(let cause): end(.fenced(cause))
    case nil: break
    }
    return false
  }

  /// Either another process has this member's name, and then the group refuses this one, too; or the broker ended the
  /// transaction because this process stood still for longer than its time limit.
  private func fenced(because cause: KafkaCause) {
    if settings.group.instance != nil {
      let deadline = MonotonicInstant.now() + Self.fenceWait
      while !hasEnded, MonotonicInstant.now() < deadline {
        if consumer.fatal != nil { return end(.fenced(cause)) }
        while let polled = consumer.poll(), !hasEnded { take(polled) }
        Thread<Void>.pause(.milliseconds(50))
      }
      if hasEnded { return }
    }
    if renewProducer() { post(.aborted(cause)) }
  }

  private func compare(_ offsets: [PartitionOffset]) {
    guard let found = try? consumer.committed(offsets.map(\.partition), waiting: 5000) else {
      return post(.reached(false))
    }
    let committed = Dictionary(found.map { ($0.partition, $0.offset) }) { $1 }
    post(.reached(offsets.allSatisfy { (committed[$0.partition] ?? 0) >= $0.offset }))
  }

  // MARK: Assignment

  func assigned(_ partitions: [Int32]) {
    let deadline = MonotonicInstant.now() + Self.patience
    while true {
      do throws(KafkaCause) {
        let found = try begin(partitions)
        if let cause = consumer.assign(found.map(\.offset)) { throw cause }
        owned.formUnion(partitions)
        for entry in found { startOffsets[entry.offset.partition] = entry.offset.offset }
        if pausedForRoom { consumer.pause(partitions) }
        return post(.assigned(found))
      } catch {
        guard MonotonicInstant.now() < deadline else { return end(.fatal(error)) }
        post(.trouble(error))
      }
    }
  }

  private func begin(_ partitions: [Int32]) throws(KafkaCause) -> [AssignedPartition] {
    try consumer.committed(partitions, waiting: 10_000).map { found throws(KafkaCause) in
      var offset = found
      if settings.ignoresMap { offset.metadata = "" }
      if found.offset >= 0 { return AssignedPartition(offset: offset, isCommitted: true) }
      guard let range = consumer.range(of: found.partition, waiting: 10_000) else { throw .withoutAnswer }
      offset.offset = settings.start == .latest ? range.upperBound : range.lowerBound
      return AssignedPartition(offset: offset, isCommitted: false)
    }
  }

  func revoked(_ partitions: [Int32], areLost: Bool) {
    // While the member leaves, a release would never come.
    let isNow = areLost || isLeaving
    post(.revoked(partitions, areLost: isNow))
    if isNow { unassign(partitions) } else { revoked.formUnion(partitions) }
  }

  private func unassign(_ partitions: [Int32]) {
    owned.subtract(partitions)
    revoked.subtract(partitions)
    paused.subtract(partitions)
    if let cause = consumer.unassign(partitions), !isLeaving { post(.trouble(cause)) }
  }
}
