// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// The worker and destination of one `exec`, made on a thread of their own while the child runs.
final class ExecRoute {
  /// After a shorter wait a missing answer means nothing.
  static let meaningfulWait = Duration.seconds(1)

  let access: OutboxAccess
  private(set) var worker: DeliveryWorker
  /// The broker, with what waits for its events; nil if payloads go to a file, or if it is known to be down.
  let broker: (topic: KafkaDestination, loop: EventLoop)?
  /// Whether another process held a lock on the outbox for too long.
  let isLocked: Bool
  private let connection: Connection
  private let start = MonotonicInstant.now()
  /// Whether this process tries a broker again that is down for all others.
  private let isTryingForOthers: Bool

  init(_ connection: Connection, _ home: HomeDirectory, _ access: OutboxAccess, lockWait: Duration) {
    var broker: (topic: KafkaDestination, loop: EventLoop)?
    var destination: any Destination = ClosedDestination(because: nil)
    var (isLocked, isTryingForOthers) = (false, false)
    do {
      if !access.isVerified {
        // Nothing is delivered of a version that may have Insights off.
      } else if connection.kind == .file {
        destination = FileDestination(connection, home: home, waitLimit: lockWait)
      } else if let outage = try Self.knownOutage(connection, try access.open(), &isTryingForOthers) {
        destination = ClosedDestination(because: .known(outage))
      } else {
        let loop = try EventLoop()
        let topic = KafkaDestination(connection, traffic: .single, waker: loop.waker)
        broker = (topic, loop)
        destination = topic
      }
    } catch let error as StateError {
      isLocked = error.isLock
    } catch {
      destination = ClosedDestination(because: .outage("\(error)"))
    }
    self.connection = connection
    self.access = access
    self.broker = broker
    self.isLocked = isLocked
    self.isTryingForOthers = isTryingForOthers
    worker = DeliveryWorker(connection, access, destination, .submitted)
  }

  /// The outage that keeps this process from trying the broker: one that is known to last, or that another process has
  /// just begun to end.
  private static func knownOutage(
    _ connection: Connection, _ outbox: Outbox, _ isTryingForOthers: inout Bool
  ) throws(StateError) -> BrokerOutage? {
    guard let outage = try outbox.outage() else { return nil }
    let now = WallClock.now()
    if outage.isKnown(at: now) { return outage }
    // A process that does not wait for an answer must not take the turn from one that does.
    guard connection.deliveryWait >= meaningfulWait else { return nil }
    let until = DeliveryPolicy.endOfOutage(since: outage.since, now: now)
    isTryingForOthers = (try? outbox.tryHalfOpen(after: outage, until: until)) ?? true
    return isTryingForOthers ? nil : outage
  }

  /// Closes the way to a broker that another process found down while the child ran. An answer of the broker counts
  /// more.
  func takeNewOutage() {
    guard let broker, !isTryingForOthers, !broker.topic.hasBrokerAnswered, let outage = try? access.open().outage(),
      outage.isKnown(at: WallClock.now())
    else { return }
    worker = DeliveryWorker(connection, access, ClosedDestination(because: .known(outage)), .submitted)
  }

  /// Whether the broker failed for all of a delivery wait while the child ran: then it has had its wait.
  func hasFailedAllAlong() -> Bool {
    guard let broker, connection.deliveryWait > .zero,
      start + max(connection.deliveryWait, Self.meaningfulWait) <= .now()
    else { return false }
    try? worker.turn()
    return worker.hasTrouble && !broker.topic.hasBrokerAnswered
  }

  /// Waits for an event of the broker, or until the worker has something to do, and lets it do that.
  func turn(until deadline: MonotonicInstant) {
    broker?.loop.turn(until: min(deadline, worker.nextTurn))
    // A failure here loses nothing: at worst a record is sent again, under the same key.
    try? worker.turn()
  }
}
