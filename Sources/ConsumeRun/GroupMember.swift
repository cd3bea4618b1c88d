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
  /// Records beyond the room before partitions are paused: that throws away records that were read ahead.
  private static let overdraft = 64
  private static let messagesAtOnce = 512
  /// How long an answer of a broker is waited for when a partition is assigned.
  private static let beginLimit = Duration.seconds(120)
  /// Kafka's code for a member that the group does not know.
  private static let unknownMember: Int32 = 25
  /// Two heartbeats, by which a fenced consumer learns of it.
  private static let fenceWait = Duration.seconds(7)

  /// How long the group may take to let this member go.
  private static let leaveWait = Duration.seconds(10)

  private let settings: ConsumeSettings
  private let connection: ProducerSettings
  private let commands: Mailbox<MemberCommand>
  private let events: Mailbox<MemberEvent>
  private let waker: Waker
  /// Units of room: one a record, and one more for each 4 KiB.
  private let room: Atomic<Int>
  private let mostRoom: Int
  // Of the thread.
  private var consumer: GroupConsumer
  /// The name under which the group gave this member what it owns.
  private var memberID = ""
  /// Whether the group has removed this member, and the library does not report it.
  private var isRemoved = false
  /// How often partitions were lost; the owner counts along.
  private var losses = 0
  private let writer: TransactionWriter
  private let ownerCheck: OwnerCheck
  private var batch: [ConsumedMessage] = []
  private var owned: Set<Int32> = []
  /// Those of them that are to be released.
  private var revoked: Set<Int32> = []
  /// Those of them that the owner is done with.
  private var released: Set<Int32> = []
  /// Whether there was no room, and half of it is not free yet.
  private var isFull = false
  private var pausedForRoom = false
  private var paused: Set<Int32> = []
  private var unreadable = UnreadablePlaces()
  private var isLeaving = false
  private var hasEnded = false
  private var nextFullPoll = MonotonicInstant.now()
  private var startOffsets: [Int32: Int64] = [:]
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
    self.room = Atomic(room)
    mostRoom = room
    let loop = try EventLoop()
    waker = loop.waker
    commands = Mailbox(waking: loop)
    let events = Mailbox<MemberEvent>(waking: owner)
    self.events = events
    writer = TransactionWriter(connection, settings.group, limits: outputs) { events.post($0) }
    ownerCheck = OwnerCheck(connection, settings.group, drain: settings.drain)
    nonisolated(unsafe) let unsafeLoop = loop
    thread = try Thread.start { [self] in run(unsafeLoop) }
  }

  // MARK: For the owner

  func send(_ command: MemberCommand) { commands.post(command) }
  func takeEvents() -> [MemberEvent] { events.takeAll() }
  /// Since when its producer is in a call; nil while it is in none.
  var callSince: MonotonicInstant? { writer.watch.since }

  /// Gives back the room of a record. The thread continues when half of the room is free: not for each record.
  func freeRoom(_ units: Int) {
    let before = room.add(units, ordering: .relaxed).oldValue
    if before <= mostRoom / 2, before + units > mostRoom / 2 { waker.wake() }
  }

  /// Units of room that a record takes.
  static func units(_ size: Int) -> Int { 1 + size / 4096 }

  // MARK: The thread

  private func run(_ loop: EventLoop) {
    if let problem = writer.start() { return end(problem) }
    events.post(.ready)
    if let cause = join() { return end(.fatal(cause)) }
    while !hasEnded {
      let isBusy = poll()
      checkMembership()
      if !hasEnded { ownerCheck.advance(asking: consumer) }
      loop.turn(until: isBusy ? .now() : .now() + Self.idlePoll)
      for command in commands.takeAll() where !hasEnded { take(command) }
    }
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

  /// Takes the reports that have come.
  ///
  /// - Returns: whether there may be more.
  private func poll() -> Bool {
    defer { flush() }
    adjustPause()
    while !hasEnded {
      let left = room.load(ordering: .relaxed)
      isFull = left <= 0 || isFull && left <= mostRoom / 2
      if isFull, !pausedForRoom {
        let now = MonotonicInstant.now()
        guard now >= nextFullPoll else { return false }
        nextFullPoll = now + Self.fullPoll
      }
      guard let polled = consumer.poll() else { return false }
      take(polled)
      if isFull, !pausedForRoom { return false }
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
    case .unreadable(let place, let cause):
      if let place = unreadable.report(place) { post(.unreadable(place, cause)) }
    case .lost(let partition, _):
      let first = (try? consumer.range(of: partition, waiting: 5000))?.lowerBound
      post(.lost(partition: partition, committed: startOffsets[partition] ?? 0, first: first))
    case .trouble(let cause):
      if let missing = cause.missingPermission(settings.group) {
        end(.cannotStart(stage: "read", missing))
      } else {
        post(.trouble(cause))
      }
    case .fatal(let cause):
      guard cause.isFencing else { return end(.fatal(cause)) }
      if writer.hasLostName { end(.fenced(cause)) } else { rejoin() }
    }
  }

  private func take(_ command: MemberCommand) {
    switch command {
    case .write(let records, let offsets, let losses): write(records, offsets, losses)
    case .pause(let partitions):
      paused.formUnion(partitions)
      consumer.pause(partitions)
    case .resume(let partitions):
      paused.subtract(partitions)
      if !pausedForRoom { consumer.resume(partitions) }
    case .release(let partitions):
      released.formUnion(partitions)
      // All together: with the first the library joins again as if all were free, and the group gives them to others.
      if revoked.isSubset(of: released) { unassign(revoked.sorted()) }
    case .skip(let place):
      unreadable.skip(to: place)
      if let cause = consumer.seek(to: place, waiting: 5000) { post(.trouble(cause)) }
    case .compare(let offsets): compare(offsets)
    case .leave:
      isLeaving = true
      // Closing would wait for their release for ever.
      if !revoked.isEmpty { unassign(revoked.sorted()) }
      // Everything is committed by now. If this takes longer, the group misses this member after its session.
      consumer.close(within: Self.leaveWait)
      end(.left)
    }
  }

  // MARK: Writing

  private func write(_ records: [OutgoingRecord], _ offsets: [PartitionOffset], _ losses: Int) {
    let began = MonotonicInstant.now()
    // Asked for before the owner heard that partitions were lost: another member may have run these requests by now.
    guard losses == self.losses else {
      return post(.aborted(KafkaCause(code: Self.unknownMember, text: "its partitions were lost to another member")))
    }
    finish(writer.write(records, offsets, of: consumer, as: memberID), offsets, since: began)
  }

  private func finish(_ result: TransactionWriter.Result, _ offsets: [PartitionOffset], since began: MonotonicInstant) {
    switch result {
    case .written: post(.written(.now() - began))
    case .aborted(let cause):
      if cause.code == Self.unknownMember || cause.isFencing { rejoin() }
      post(.aborted(cause))
    case .fenced(let cause):
      if isFenced() { return end(.fenced(cause)) }
      if !hasEnded { finish(writer.renew(because: cause, offsets, of: consumer), offsets, since: began) }
    case .ended(let end): self.end(end)
    }
  }

  /// Either another process has this member's name, and then the group refuses this one, too; or the broker ended the
  /// transaction because this process was stopped for longer than its time limit.
  private func isFenced() -> Bool {
    guard settings.group.instance != nil else { return false }
    let deadline = MonotonicInstant.now() + Self.fenceWait
    while !hasEnded, MonotonicInstant.now() < deadline {
      if consumer.fatal != nil { return true }
      while let polled = consumer.poll(), !hasEnded { take(polled) }
      Thread<Void>.pause(.milliseconds(50))
    }
    return false
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
    let name = consumer.memberID
    guard !name.isEmpty, owned.isEmpty || name == memberID else {
      isRemoved = true
      _ = consumer.assign(partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) })
      return
    }
    memberID = name
    let deadline = MonotonicInstant.now() + Self.beginLimit
    while true {
      do throws(KafkaCause) {
        let found = try begin(partitions)
        if let cause = consumer.assign(found.map(\.offset)) { throw cause }
        owned.formUnion(partitions)
        for entry in found { startOffsets[entry.offset.partition] = entry.offset.offset }
        if pausedForRoom { consumer.pause(partitions) }
        ownerCheck.begin()
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
      let range = try consumer.range(of: found.partition, waiting: 10_000)
      offset.offset = settings.start == .latest ? range.upperBound : range.lowerBound
      return AssignedPartition(offset: offset, isCommitted: false)
    }
  }

  func revoked(_ partitions: [Int32], areLost: Bool) {
    // While the member leaves, a release would never come.
    let isNow = areLost || isLeaving
    if isNow { losses += 1 }
    post(.revoked(partitions, areLost: isNow))
    if isNow { unassign(partitions) } else { revoked.formUnion(partitions) }
  }

  /// The library does not report that the group removes a member while it hands partitions over: it waits for the
  /// release of these, and would keep the others.
  private func checkMembership() {
    guard !hasEnded, isRemoved || !revoked.isEmpty && consumer.memberID != memberID else { return }
    rejoin()
  }

  /// Its partitions may be another member's by now: gives them up, and joins as a new member.
  ///
  /// That is also for a static member whose name seems to be another one's although no process has taken it: a broker that
  /// dies during a rebalance knows the member by its name before.
  private func rejoin() {
    losses += 1
    post(.revoked(owned.sorted(), areLost: true))
    if !revoked.isEmpty { _ = consumer.unassign(revoked.sorted()) }
    consumer.abandon()
    (owned, revoked, released, paused) = ([], [], [], [])
    (pausedForRoom, isRemoved, unreadable) = (false, false, UnreadablePlaces())
    do throws(KafkaError) {
      consumer = try GroupConsumer(connection, settings.group)
    } catch {
      return end(.cannotStart(stage: "settings", "\(error)"))
    }
    if let cause = join() { end(.fatal(cause)) }
  }

  private func join() -> KafkaCause? {
    consumer.watcher = self
    consumer.wake(waker)
    return consumer.subscribe()
  }

  private func unassign(_ partitions: [Int32]) {
    owned.subtract(partitions)
    unreadable.forget(partitions)
    revoked.subtract(partitions)
    released.formIntersection(revoked)
    paused.subtract(partitions)
    if let cause = consumer.unassign(partitions), !isLeaving { post(.trouble(cause)) }
  }
}
