// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import KafkaClient
internal import Platform
public import RunModel
public import StateStore

/// Delivers the one payload of an `exec`: to Kafka by way of the outbox, or to a file.
///
/// It never throws, never waits longer than the connection's delivery wait, and leaves payloads that it could not
/// deliver where a later deliverer finds them. For the main thread. librdkafka's threads are left running at the end:
/// waiting for them could take seconds, so the process must leave by `_exit`.
public final class ExecDelivery: PayloadPublisher {
  /// Records of others that one `exec` delivers beside its own, and how long that may take.
  static let othersAtMost = 100
  static let othersWait = Duration.milliseconds(250)
  /// How often a wait looks for signals that ask algo-run to end.
  static let signalCheck = Duration.milliseconds(50)

  private let connection: Connection
  private let home: HomeDirectory
  private let isVerified: Bool
  private let report: (DeliveryNotice) -> Void
  private let lockWait: Duration
  private var preparation: Thread<ExecRoute>?

  /// A deliverer for a home and its connection; nil means the file in the home.
  ///
  /// - Parameters:
  ///   - isVerified: whether it is known that the version has Insights on. If not, the payload goes to the fallback
  ///     file.
  ///   - report: receives messages for the user.
  public init(
    connection: Connection?, home: HomeDirectory, isVerified: Bool = true, report: @escaping (DeliveryNotice) -> Void
  ) {
    self.connection = connection ?? home.standardConnection
    self.home = home
    self.isVerified = isVerified
    self.report = report
    // A lock that is held for longer than two seconds is that of a process that was stopped.
    lockWait = min(max(self.connection.deliveryWait, Outbox.momentaryLock), FileSink.longestWait)
  }

  /// Loads the library and begins to connect, while the child runs. With a file there is nothing to prepare.
  ///
  /// On a thread of its own: loading alone takes up to 15 ms, and in the meantime the main thread must see the child's
  /// end when it comes, or it would measure the library.
  public func prepare() {
    guard connection.kind != .file, preparation == nil else { return }
    // Properties can ask for TLS, too.
    KafkaLibrary.loadInBackground(speaksTLS: connection.kind != .plaintext || !connection.properties.isEmpty)
    preparation = try? Thread.start { [connection, home, lockWait] in
      ExecRoute(connection, home, OutboxAccess(home: home, isForMany: false, lockWait: lockWait), lockWait: lockWait)
    }
  }

  /// Stores the payload and delivers it if that can be done within the delivery wait.
  public func publish(_ record: InsightsRecord, stored: (Delivery) -> Void) -> Delivery {
    let end = MonotonicInstant.now() + connection.deliveryWait
    let lockDeadline = MonotonicInstant.now() + lockWait
    prepare()
    // Its own wait for a lock began earlier and is no longer than that of the main thread, so it ends earlier.
    let prepared = preparation.take()?.join()
    let access =
      prepared?.access ?? OutboxAccess(home: home, isForMany: false, isVerified: isVerified, lockWait: lockWait)
    access.waitForLocks(until: lockDeadline)
    let route =
      prepared.flatMap { $0.isLocked ? nil : $0 } ?? ExecRoute(connection, home, access, lockWait: lockWait)
    route.takeNewOutage()
    let worker = route.worker
    worker.submit(record)
    route.turn(until: .now())
    var delivery = worker.takeDurable().first?.delivery ?? Delivery(.rejected, detail: "it was not stored")
    stored(delivery)
    if delivery.state == .queued, delivery.detail == nil {
      delivery = waitForAnswer(by: route, until: end)
    } else if delivery.state == .written {
      deliverOthers(by: route, until: end)
    } else if worker.counts.waiting > 0 {
      try? worker.close()
    }
    for notice in worker.takeNotices() {
      // An outage that is found now is the reason for which the payload waits.
      if case .waiting(.outage) = notice { continue }
      report(notice)
    }
    return delivery
  }

  /// Waits for the acknowledgement.
  private func waitForAnswer(by route: ExecRoute, until end: MonotonicInstant) -> Delivery {
    let worker = route.worker
    let isDown = route.hasFailedAllAlong()
    var isInterrupted = false
    while worker.ending == nil, !isDown, !isInterrupted, .now() < end {
      route.turn(until: min(end, .now() + Self.signalCheck))
      isInterrupted = worker.ending == nil && PendingSignals.askToEnd
    }
    if worker.ending == .delivered {
      deliverOthers(by: route, until: end)
      return Delivery(.delivered)
    }
    let wasRefused = worker.ending != nil
    if worker.counts.waiting > 0 {
      if !worker.hasTrouble {
        route.broker?.topic.askAboutTopic()
        route.turn(until: .now())
      }
      // A missing answer means something about the broker only if it had time to come.
      let isMeaningful = worker.hasTrouble || connection.deliveryWait >= ExecRoute.meaningfulWait && !isInterrupted
      if isMeaningful { worker.declareOutage() }
    }
    let cause = worker.causeOfWaiting
    try? worker.close()
    switch worker.ending {
    // A quick broker may have acknowledged it before it was taken back.
    case .delivered: return Delivery(.delivered)
    case .rejected(let reason): return Delivery(.rejected, detail: reason)
    case .expired(let reason):
      return Delivery(.expired, detail: connection.onExpiry == .drop ? "dropped (--on-expiry drop): \(reason)" : reason)
    case .postponed, nil: break
    }
    let detail =
      if connection.deliveryWait == .zero {
        "not waited for"
      } else if isInterrupted {
        "not waited for any longer, as algo-run was asked to end"
      } else if wasRefused || isDown {
        "not acknowledged: \(cause)"
      } else {
        "not acknowledged within \(DurationText.format(connection.deliveryWait)): \(cause)"
      }
    route.access.note(.queued(detail))
    return Delivery(.queued, detail: detail)
  }

  /// A destination that took the payload takes a bounded number of those that others left.
  private func deliverOthers(by route: ExecRoute, until deadline: MonotonicInstant) {
    let worker = route.worker
    let end = min(deadline, .now() + Self.othersWait)
    try? worker.deliverOthers(atMost: Self.othersAtMost)
    // Not until the worker is idle: the removal of the own record is not due for a while, and closing does it
    // immediately.
    let hasOthers = !worker.hasSentAll
    if hasOthers { repeat { route.turn(until: end) } while !worker.hasSentAll && .now() < end }
    try? worker.close(maintains: hasOthers)
  }
}
