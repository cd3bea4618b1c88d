// SPDX-License-Identifier: Apache-2.0
import Delivery
import KafkaClient
import Platform
import RunModel

/// A producer and the requests that it has on the way, as librdkafka would have them.
final class SimulatedProducer: Destination {
  private struct Request {
    let id: Int64
    let key: String
    let sentAt: MonotonicInstant
    /// When it arrives; nil if it never does.
    var arrivesAt: MonotonicInstant?
    /// The reports, and their times.
    var event: ProducerEvent
    var reportedAt: MonotonicInstant
  }

  private let topic: SimulatedTopic
  private let process: SimulatedProcess
  private let window: Duration
  private var unsent: [(id: Int64, record: InsightsRecord, at: MonotonicInstant)] = []
  private var requests: [Request] = []
  private var batchSize = SimulatedProducer.standardBatchSize
  private var isFatal = false
  private var brokenUntil: MonotonicInstant?
  private var nextTrouble: MonotonicInstant
  let answersAtOnce = false

  static let standardBatchSize = 6400

  init(_ topic: SimulatedTopic, _ process: SimulatedProcess, window: Duration) {
    self.topic = topic
    self.process = process
    self.window = window
    nextTrouble = topic.time.elapsed
    open()
  }

  private var now: MonotonicInstant { topic.time.elapsed }

  private func open() {
    isFatal = false
    let isBroken = !topic.isCalm && process.happens(3)
    brokenUntil = isBroken ? now + process.milliseconds(100...5000) : nil
  }

  var problem: DestinationProblem? {
    guard let brokenUntil, now < brokenUntil else { return nil }
    return .kafka(.settingsRefused(reason: "simulated"))
  }

  var capacity: Int { problem == nil ? 40 : 0 }

  func send(_ id: Int64, _ record: InsightsRecord) -> Handover {
    guard process.lives() else { return .taken }
    topic.ledger.send(record, by: process.number)
    if problem != nil { return .refused(.withoutAnswer) }
    if isFatal { return .refused(.fatal) }
    if !topic.isCalm, process.happens(2) { return .refused(.queueFull) }
    unsent.append((id, record, now))
    return .taken
  }

  func poll() -> [ProducerEvent] {
    guard process.lives(), problem == nil else { return [] }
    var events: [ProducerEvent] = []
    switch topic.state {
    case .up, .denies: produce(&events)
    case .down, .refusesLogin:
      if nextTrouble <= now {
        nextTrouble = now + process.milliseconds(500...2000)
        events.append(.trouble(topic.state == .down ? .allDown : .noLogin))
      }
      // A record that is not sent in its time is reported as such.
      for record in unsent where record.at + window <= now {
        events.append(.failed(record.id, .timedOut, mayBePersisted: false))
      }
      unsent.removeAll { $0.at + window <= now }
    }
    return events + takeDue()
  }

  /// Sends batches, of which each has one fate.
  private func produce(_ events: inout [ProducerEvent]) {
    while !unsent.isEmpty {
      var size = 0
      var batch: [(id: Int64, record: InsightsRecord, at: MonotonicInstant)] = []
      while let next = unsent.first, batch.isEmpty || size + next.record.value.count <= batchSize {
        size += next.record.value.count
        batch.append(unsent.removeFirst())
      }
      decide(batch, size: size, &events)
    }
  }

  private func decide(
    _ batch: [(id: Int64, record: InsightsRecord, at: MonotonicInstant)], size: Int, _ events: inout [ProducerEvent]
  ) {
    let soon = now + process.milliseconds(1...300)
    func add(_ arrives: MonotonicInstant?, _ reported: MonotonicInstant, _ event: (Int64) -> ProducerEvent) {
      for (id, record, at) in batch {
        requests.append(
          Request(id: id, key: record.key, sentAt: at, arrivesAt: arrives, event: event(id), reportedAt: reported))
      }
    }
    if size > topic.limit { return add(nil, soon) { .failed($0, .tooLarge, mayBePersisted: false) } }
    if topic.state == .denies {
      for (_, record, _) in batch { topic.ledger.deny(record.key) }
      return add(nil, soon) { .failed($0, .denied, mayBePersisted: false) }
    }
    let late = now + process.milliseconds(2000...25_000)
    switch topic.isCalm ? 0 : process.number(below: 100) {
    case ..<78:
      let isKept = topic.fault != .lose || !process.happens(5)
      add(isKept ? soon : nil, soon) { .acknowledged($0) }
    case ..<84: add(soon, late) { .acknowledged($0) }
    // The acknowledgement is lost.
    case ..<90: add(soon, late) { .failed($0, .timedOut, mayBePersisted: true) }
    // The request is lost.
    case ..<93: add(nil, late) { .failed($0, .timedOut, mayBePersisted: true) }
    case ..<98: add(nil, soon) { .failed($0, .fewReplicas, mayBePersisted: false) }
    default:
      isFatal = true
      events.append(.fatal(.fatal))
      add(nil, soon) { .failed($0, .fatal, mayBePersisted: false) }
    }
  }

  private func takeDue() -> [ProducerEvent] {
    for index in requests.indices {
      guard let arrival = requests[index].arrivesAt, arrival <= now else { continue }
      topic.ledger.arrive(requests[index].key)
      requests[index].arrivesAt = nil
      if topic.fault == .invent, process.happens(5) { topic.ledger.arrive("invented") }
    }
    var due = requests.filter { $0.reportedAt <= now }
    requests.removeAll { $0.reportedAt <= now }
    if !topic.isCalm, process.happens(30) { process.shuffle(&due) }
    for case (let key, .acknowledged) in due.map({ ($0.key, $0.event) }) {
      topic.ledger.acknowledge(key, to: process.number)
      if topic.fault == .resend, process.happens(5), let record = topic.ledger[key]?.record {
        topic.ledger.send(record, by: process.number)
      }
    }
    return due.map(\.event)
  }

  func reclaim() -> [ProducerEvent] {
    guard process.lives() else { return [] }
    var events = takeDue()
    events += unsent.map { .failed($0.id, .purgedInQueue, mayBePersisted: false) }
    for request in requests {
      // A reclaimed record may arrive all the same.
      if let arrival = request.arrivesAt { topic.addStray(request.key, at: arrival) }
      events.append(.failed(request.id, .purgedInFlight, mayBePersisted: true))
    }
    (unsent, requests) = ([], [])
    return events
  }

  func reopen(quarterings: Int) {
    guard process.lives() else { return }
    batchSize = Self.standardBatchSize >> (2 * quarterings)
    open()
  }

  /// The process has died: what is on the way arrives, or not.
  func abandon() {
    for request in requests {
      if let arrival = request.arrivesAt, process.happens(50) { topic.addStray(request.key, at: arrival) }
    }
    (unsent, requests) = ([], [])
  }

  /// When something happens without a call.
  var nextEvent: MonotonicInstant? { requests.map(\.reportedAt).min() }
}
