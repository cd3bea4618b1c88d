// SPDX-License-Identifier: Apache-2.0
import Delivery
import Platform
import RunModel
import StateStore

/// One process that delivers: its worker, and the moment at which it crashes.
///
/// A crash comes between two steps: before an access to the outbox or a call of the destination. From then on the process
/// changes nothing any more, whatever its code still does, and it is buried after the call.
final class SimulatedProcess: OutboxSurroundings {
  enum Kind { case batch, service, exec }

  let number: Int
  let kind: Kind
  private let world: Schedule
  private(set) var isDead = false
  private var stepsToCrash: Int?
  private var access: OutboxAccess?
  private(set) var worker: DeliveryWorker?
  private var producer: SimulatedProducer?
  /// Keys in the order of their tickets.
  private var submitted: [String] = []
  private var deadline: MonotonicInstant?
  private var lastCounts = PayloadCounts.none

  init(_ number: Int, _ kind: Kind, in world: Schedule) {
    self.number = number
    self.kind = kind
    self.world = world
  }

  func start(_ connection: Connection) {
    let access = OutboxAccess(home: world.home, isForMany: false, surroundings: self)
    self.access = access
    var destination: any Destination
    if connection.kind == .file {
      destination = SimulatedFile(world.topic, self)
    } else {
      let outage = try? access.open().outage()
      if kind == .exec, let outage, outage.isKnown(at: world.time.now) {
        destination = ClosedDestination(because: .known(outage))
      } else {
        let producer = SimulatedProducer(world.topic, self, window: connection.deliveryWindow)
        self.producer = producer
        destination = producer
      }
    }
    let scope: DeliveryScope =
      switch kind {
      case .batch: .everything
      case .service: .outbox
      case .exec: .submitted
      }
    worker = DeliveryWorker(connection, access, destination, scope, clock: world.time)
    if isDead { bury() }
  }

  // MARK: Events

  /// Lets it crash after that many steps.
  func crash(after steps: Int) { stepsToCrash = steps }

  /// One step; false once it is dead.
  func lives() -> Bool {
    if let steps = stepsToCrash {
      stepsToCrash = steps - 1
      if steps <= 0 { isDead = true }
    }
    return !isDead
  }

  var elapsed: MonotonicInstant { world.time.elapsed }

  func willAccess() throws(StateError) {
    guard lives() else { throw .inputOutput(path: world.home.outboxDatabase, errno: 5) }
    if let error = world.outboxError { throw error }
  }

  func happens(_ percent: Int) -> Bool { world.random.happens(percent) }
  func number(below limit: Int) -> Int { Int.random(in: 0..<limit, using: &world.random) }
  func milliseconds(_ range: ClosedRange<Int>) -> Duration { world.random.milliseconds(range) }
  func shuffle<Element>(_ elements: inout [Element]) { elements.shuffle(using: &world.random) }

  // MARK: Work

  /// When it has something to do.
  var nextTurn: MonotonicInstant? {
    guard let worker else { return nil }
    return [worker.nextTurn, producer?.nextEvent, deadline].compactMap { $0 }.min()
  }

  func submit(_ records: [InsightsRecord]) {
    guard let worker else { return }
    for record in records {
      submitted.append(record.key)
      world.ledger.submit(record, by: number, isTooLarge: record.value.count > world.topic.limit)
      worker.submit(record)
    }
    if kind == .exec { deadline = elapsed + .seconds(2) }
    turn()
  }

  func turn() {
    guard let worker else { return }
    try? worker.turn()
    guard !isDead else { return bury() }
    hear(worker)
    if let deadline, worker.ending != nil || deadline <= elapsed { endExec(worker) }
  }

  /// As `exec` does after its wait.
  private func endExec(_ worker: DeliveryWorker) {
    deadline = nil
    if worker.ending == .delivered {
      try? worker.deliverOthers(atMost: 3)
      try? worker.turn()
    } else {
      worker.declareOutage()
    }
    if isDead { return bury() }
    close()
  }

  /// Ends in order.
  func close() {
    guard let worker else { return }
    var isComplete = true
    do { try worker.close() } catch { isComplete = false }
    guard !isDead else { return bury() }
    hear(worker)
    if !isComplete { world.ledger.crash(number) }
    if kind == .exec { checkEnding(worker) }
    if isComplete { checkWaiting(worker) }
    producer?.abandon()
    end()
  }

  private func bury() {
    producer?.abandon()
    world.ledger.crash(number)
    if world.topic.fault == .strand, let access { world.leaked.append(access) }
    end()
  }

  func end() { (worker, access, producer, deadline) = (nil, nil, nil, nil) }

  // MARK: Reports

  private func hear(_ worker: DeliveryWorker) {
    for payload in worker.takeDurable() {
      var delivery = payload.delivery
      if world.topic.fault == .misreport, delivery.state == .queued, happens(10) { delivery = Delivery(.written) }
      world.ledger.becomeDurable(
        submitted[Int(payload.ticket) - 1], delivery, windowEnd: world.time.now + world.connection.deliveryWindow)
    }
    _ = worker.takeNotices()
    let counts = worker.counts
    guard counts != lastCounts else { return }
    lastCounts = counts
    guard counts.waiting >= 0,
      counts.waiting + counts.delivered + counts.undelivered + counts.handedOff == submitted.count
    else { return world.ledger.fail(.reportsAreTrue, "counts of process \(number) do not add up: \(counts)") }
    let own = submitted.compactMap { world.ledger[$0] }
    let arrived = own.count { $0.copies > 0 }
    let mayBeDropped = world.connection.onExpiry == .drop && world.hasSetClock
    if counts.delivered > arrived, !mayBeDropped {
      world.ledger.fail(.reportsAreTrue, "\(counts.delivered) counted as delivered, \(arrived) arrived")
    }
    let acknowledged = own.count { $0.acknowledgedTo.contains(number) }
    // Payloads of a fallback file are for others, even if they come back to this process; and records that an operator made
    // pending again stays counted as given up.
    if counts.delivered + counts.handedOff < acknowledged, !world.hasRetried {
      world.ledger.fail(.reportsAreTrue, "\(counts.delivered) counted as delivered, \(acknowledged) acknowledged")
    }
  }

  /// The report of `exec` on its payload.
  private func checkEnding(_ worker: DeliveryWorker) {
    guard let key = submitted.first, let truth = world.ledger[key] else { return }
    let state = world.state(of: key)
    switch worker.ending {
    case .delivered where truth.copies == 0: world.ledger.fail(.reportsAreTrue, "\(key) is not delivered")
    case .rejected where !(truth.isTooLarge || truth.wasDenied):
      world.ledger.fail(.reportsAreTrue, "\(key) was rejected for no reason")
    case .rejected where world.outboxError == nil && state != .rejected:
      world.ledger.fail(.reportsAreTrue, "\(key) was rejected and is \(state.map { "\($0)" } ?? "not there")")
    default: break
    }
  }

  /// Records that wait for this process are pending in the outbox, unless another process had them since.
  private func checkWaiting(_ worker: DeliveryWorker) {
    let pending = world.pending().filter { world.ledger[$0]?.owner == number }.count
    if worker.counts.waiting + worker.counts.handedOff < pending, !world.hasRetried {
      world.ledger.fail(.reportsAreTrue, "\(worker.counts.waiting) counted as waiting, \(pending) wait")
    }
  }
}
