// SPDX-License-Identifier: Apache-2.0
internal import BatchRun
internal import KafkaClient
internal import Platform
internal import RequestDispatch
internal import RunModel

/// Reports of the member's thread.
extension ConsumeRun {
  // MARK: Events of the group

  func take(_ event: MemberEvent) {
    switch event {
    case .waiting(let stage, let text):
      if waitsFor != stage { display.print("waiting for the brokers: \(stage): \(text)") }
      waitsFor = stage
    case .ready:
      isReady = true
      if waitsFor.take() != nil { display.print("the brokers answer") }
    case .assigned(let partitions):
      figures.rebalances += 1
      for partition in partitions { add(partition) }
    case .revoked(let partitions, let areLost): revoke(partitions, areLost: areLost)
    case .messages(let messages):
      if lastTrouble.take() != nil { display.print("the brokers answer again") }
      for message in messages { receive(message) }
    case .end(let place): reachEnd(place)
    case .unreadable(let place, let cause): skip(place, because: cause)
    case .lost(let partition, let committed, let first): lost(partition, committed, first)
    case .written(let span): written(in: span)
    case .aborted(let cause): aborted(because: cause)
    case .limits(let limits): writer.plan.take(limits)
    case .reached(let isReached):
      isComparing = false
      if isReached { leave(.done) }
    case .trouble(let cause):
      if lastTrouble == nil { display.print("Kafka: \(cause.text)") }
      lastTrouble = cause
    case .ended(let reason): ended(reason)
    }
  }

  func add(_ assigned: AssignedPartition) {
    let partition = PartitionWork(
      topic: settings.group.topic, assigned, keepsInherited: !settings.dropsInheritedMap)
    if settings.endsAtEnd { partition.end = ends[partition.number] ?? 0 }
    queue.add(partition)
    // The next member then begins here, too.
    if !assigned.isCommitted { scheduleCommit() }
    if journal == nil { journal = openJournal() }
    journal?.forget(partition: partition.number, before: partition.progress.base)
    lostAnswers.begin(partition: partition.number, at: partition.progress.base).forEach(forget)
  }

  func revoke(_ partitions: [Int32], areLost: Bool) {
    figures.rebalances += 1
    if areLost { losses += 1 }
    for number in partitions {
      guard let partition = queue[number] else { continue }
      for request in partition.takeWaiting() { drop(request) }
      partition.leavesAt = .now() + settings.drain
      guard areLost else { continue }
      // Another member may run the same requests already.
      for (job, request) in running where request.partition === partition {
        abandon(request)
        dispatcher.kill(job)
      }
      queue.remove(partition)
      discard(of: partition)
    }
  }

  func receive(_ message: ConsumedMessage) {
    knownEnds[message.partition] = max(knownEnds[message.partition] ?? 0, message.offset + 1)
    guard let partition = queue[message.partition], !partition.isLeaving, drainEnd == nil else {
      return member.freeRoom(GroupMember.units(message.size))
    }
    if let end = partition.end, message.offset >= end {
      member.freeRoom(GroupMember.units(message.size))
      return reachEnd(PartitionOffset(partition: message.partition, offset: end))
    }
    switch partition.progress.deliver(message.offset) {
    case .repeated: member.freeRoom(GroupMember.units(message.size))
    case .done:
      figures.redelivered += 1
      lostAnswers.take(partition: message.partition, offset: message.offset).map(forget)
      member.freeRoom(GroupMember.units(message.size))
      scheduleCommit()
    case .run:
      partition.note(message)
      if let answer = lostAnswers.take(partition: message.partition, offset: message.offset) {
        member.freeRoom(GroupMember.units(message.size))
        return reuse(answer, in: partition)
      }
      let past = journal?.past(partition: message.partition, offset: message.offset) ?? .none
      queue.add(
        IncomingRequest(
          message, id: id(of: message), partition: partition, captureLimit: writer.plan.captureLimit,
          orderKey: queue.keepsKeys ? message.key : nil, history: past), to: partition)
    }
  }

  func id(of message: ConsumedMessage) -> String {
    for header in ["algo_request_id", "ce_id"] {
      if let id = message.text(header), RequestID.problem(with: id) == nil { return id }
    }
    return identity.id(partition: message.partition, offset: message.offset)
  }

  func drop(_ request: IncomingRequest) {
    queue.dropped(request)
    member.freeRoom(GroupMember.units(request.message.size))
  }

  func reachEnd(_ place: PartitionOffset) {
    guard let partition = queue[place.partition] else { return }
    knownEnds[place.partition] = max(knownEnds[place.partition] ?? 0, place.offset)
    partition.progress.reachEnd(partition.end.map { min($0, place.offset) } ?? place.offset)
    if partition.isDirty { scheduleCommit() }
  }

  /// The record at this offset cannot be read.
  func skip(_ place: PartitionOffset, because cause: KafkaCause) {
    guard let partition = queue[place.partition] else { return }
    defer { member.send(.skip(PartitionOffset(partition: place.partition, offset: place.offset + 1))) }
    guard partition.progress.deliver(place.offset) == .run else { return }
    let shown = "\(settings.group.topic)/\(place.partition)/\(place.offset)"
    display.print("\(shown) cannot be read: \(cause.text)")
    if settings.stopsOnFailure {
      return leave(
        ConsumeEnd(
          status: 1, sentence: "stopped at \(shown), which cannot be read; see docs/scale-out.md, Stuck partition."))
    }
    if let record = writer.deadLetter(of: place, in: settings.group.topic, because: cause) {
      extra.append((place.partition, record))
      figures.deadLetters += 1
    }
    partition.progress.complete(place.offset)
    scheduleCommit()
  }

  func lost(_ partition: Int32, _ committed: Int64, _ first: Int64?) {
    let count = first.map { "\(max(0, $0 - committed)) requests" } ?? "requests"
    leave(
      ConsumeEnd(
        status: 1,
        sentence: "\(count) of partition \(partition) were deleted from topic \(settings.group.topic) before they ran "
          + "(committed offset \(committed), first offset \(first.map { "\($0)" } ?? "unknown")); keep requests for longer "
          + "(retention.ms), and pass --start earliest to continue with the remaining requests."))
  }

  func ended(_ reason: MemberEnd) {
    switch reason {
    case .left: end = leaveReason ?? .done
    case .cannotStart(let stage, let text):
      end = ConsumeEnd(status: 78, sentence: "\(stage): \(text); see docs/scale-out.md, Troubleshooting.")
    case .fenced(let cause):
      let name = settings.group.instance.map { "instance \"\($0)\"" } ?? "this member"
      end = ConsumeEnd(
        status: 75,
        sentence:
          "another process took the place of \(name) in group \(settings.group.group) (\(cause.text)); give each "
          + "process an --instance of its own.")
    case .fatal(let cause):
      end = ConsumeEnd(
        status: leaveReason?.status ?? 1,
        sentence: leaveReason?.sentence ?? "Kafka: \(cause.text); nothing is lost, start it again.")
    }
  }

  // MARK: Partitions that leave

  func releasePartitions(at now: MonotonicInstant) {
    for partition in queue.partitions {
      guard let leavesAt = partition.leavesAt, drainEnd == nil else { continue }
      if leavesAt <= now, !partition.isStopped {
        partition.isStopped = true
        stop { $0.partition === partition }
      }
      if partition.running == 0, partition.uncommitted == 0, writing == nil, !partition.isDirty {
        queue.remove(partition)
        member.send(.release([partition.number]))
      } else if partition.running == 0, writing == nil {
        commitDue = now
      }
    }
  }

  /// Stops running requests; they get no result here.
  func stop(where isConcerned: (IncomingRequest) -> Bool) {
    for (job, request) in running where isConcerned(request) {
      abandon(request)
      dispatcher.stop(job)
    }
  }

  /// Reads no more of a partition whose window is full, and continues when there is room.
  func adjustReading() {
    for partition in queue.partitions where !partition.isLeaving {
      let isBlocked = partition.waitingCount >= Self.blockedWaiting && queue.isBlocked(partition)
      if isBlocked, !partition.isPaused {
        partition.isPaused = true
        member.send(.pause([partition.number]))
      } else if partition.isPaused, partition.waitingCount < Self.blockedWaiting / 2 {
        partition.isPaused = false
        member.send(.resume([partition.number]))
      }
    }
  }
}
