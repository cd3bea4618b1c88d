// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
public import RunModel
public import StateStore

/// Delivers what waits in the outbox of a home: `outbox deliver`, once or as a service. For one thread.
public final class OutboxDelivery {
  /// How often a stop request is looked for, and the end of the work.
  private static let wait = Duration.milliseconds(50)
  private static let serviceWait = Duration.milliseconds(500)
  /// Pause of a service after the outbox could not be read or written.
  private static let errorPause: useconds_t = 1_000_000

  private let home: HomeDirectory
  private let readConnection: () throws(StateError) -> Connection?
  private let report: (DeliveryNotice) -> Void
  private let loop: EventLoop
  private let access: OutboxAccess
  private var connection: Connection
  private var worker: DeliveryWorker

  /// A deliverer for a home.
  ///
  /// - Parameters:
  ///   - readConnection: reads the connection of this moment; called before each claim, so it should cost little.
  ///   - report: receives messages for the user.
  public init(
    home: HomeDirectory, readConnection: @escaping () throws(StateError) -> Connection?,
    report: @escaping (DeliveryNotice) -> Void
  ) throws {
    self.home = home
    self.readConnection = readConnection
    self.report = report
    loop = try EventLoop()
    access = OutboxAccess(home: home, isForMany: true)
    // A damaged outbox is set aside, as `exec` does: a service that ended here would be started again for ever. Damage
    // to an index would leave records waiting unseen, and no other command reads it all.
    try access.open().examine()
    connection = try readConnection() ?? home.standardConnection
    worker = DeliveryWorker(connection, access, home, .outbox, waker: loop.waker)
  }

  /// Delivers until nothing waits, or, as a service (`follows`), until `shouldStop` is true. Records that could not be
  /// delivered by then are in the outbox, claimed by no process.
  public func run(follows: Bool, shouldStop: () -> Bool) throws(StateError) -> DeliveryTotals {
    while !shouldStop() {
      worker.takeNotices().forEach(report)
      loop.turn(until: min(worker.nextTurn, .now() + (follows ? Self.serviceWait : Self.wait)))
      do throws(StateError) {
        // After `connection set` has returned, no payload may go by the connection before.
        try takeNewConnection()
        try worker.turn()
        if !follows, worker.isIdle, try hasNothingToDo() { break }
      } catch {
        // A service outlives a full disk or a long lock; a user at a terminal wants to know immediately. Without its
        // outbox a service has nothing to serve, and begins anew when it is started again.
        guard follows, !isGone(error) else { throw error }
        report(.heldUp(error))
        usleep(Self.errorPause)
      }
    }
    try close()
    var totals = worker.totals
    let status = try access.open().status()
    totals.elsewhere = status.claimed
    totals.waiting = status.count(.pending) - status.claimed + (try FallbackFile.count(in: home))
    return totals
  }

  /// Pending records that another process holds are not waited for.
  private func hasNothingToDo() throws(StateError) -> Bool {
    let status = try access.open().status()
    return status.count(.pending) == status.claimed
  }

  private func isGone(_ error: StateError) -> Bool {
    if case .inaccessible(home.outboxDatabase, ENOENT) = error { true } else { false }
  }

  private func takeNewConnection() throws(StateError) {
    let current = try readConnection() ?? home.standardConnection
    guard current != connection else { return }
    report(.connectionChanged)
    try close()
    connection = current
    let totals = worker.totals
    worker = DeliveryWorker(connection, access, home, .outbox, waker: loop.waker)
    worker.totals = totals
  }

  private func close() throws(StateError) {
    defer { worker.takeNotices().forEach(report) }
    try worker.close()
  }
}
