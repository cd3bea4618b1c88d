// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel
public import StateStore
internal import Synchronization

/// Runs a ``DeliveryWorker`` on a thread of its own, so that a batch never waits for a disk or a broker.
///
/// The thread takes all that has been enqueued together: while one group is synced to the disk the next one gathers, so
/// the number of syncs follows the disk's speed and not the number of payloads.
public final class DeliveryThread: PayloadQueue, Sendable {
  private struct Shared {
    var lastTicket: UInt64 = 0
    var counts = PayloadCounts.none
    var figures = DeliveryFigures()
    var isClosing = false
  }

  /// Longest pause between two groups of payloads. Each group costs wake-ups of two threads, and a file is opened and
  /// locked; but callers wait for their group.
  private static let longestGathering = Duration.microseconds(700)
  /// A server's pause for each payload of the last group: a few callers at a time would only be held up.
  private static let gathering = Duration.microseconds(150)
  /// How often the connection is looked at while nothing is enqueued: waiting payloads go by the new one, too.
  private static let lookForConnection = Duration.milliseconds(500)

  private let inbox: Mailbox<InsightsRecord>
  private let waker: Waker
  private let durable: Mailbox<[DurablePayload]>
  private let shared = Mutex(Shared())
  /// For the owner only, like every public member.
  private nonisolated(unsafe) var thread: Thread<Void>?

  /// A queue for a home and its connection, nil meaning the file in the home. Its thread starts immediately.
  ///
  /// - Parameters:
  ///   - isVerified: whether it is known that the version has Insights on. If not, payloads go to the fallback file.
  ///   - serves: whether payloads are a server's: they go by the connection of each moment, and callers wait for them.
  ///     A batch ends with the connection that it began with.
  ///   - owner: the loop of the thread that takes durable payloads.
  ///   - report: receives facts for the user; called from the thread.
  /// - Throws: the system's error if it has no thread or descriptor left.
  public init(
    connection: Connection?, home: HomeDirectory, isVerified: Bool = true,
    serves: Bool = false, waking owner: EventLoop,
    report: @escaping @Sendable (DeliveryNotice) -> Void
  ) throws(SystemError) {
    let connection = connection ?? home.standardConnection
    let loop = try EventLoop()
    inbox = Mailbox(waking: loop)
    waker = loop.waker
    durable = Mailbox(waking: owner)
    thread = try Thread.start { [self] in run(loop, connection, home, isVerified, serves, report) }
  }

  /// Takes one payload; see ``PayloadQueue``.
  public func enqueue(_ record: InsightsRecord) -> UInt64 {
    inbox.post(record)
    return shared.withLock { shared in
      shared.lastTicket += 1
      return shared.lastTicket
    }
  }

  /// Those that became durable since the last call; see ``PayloadQueue``.
  public func takeDurable() -> [DurablePayload] { Array(durable.takeAll().joined()) }

  /// The figures now; see ``PayloadQueue``.
  public var counts: PayloadCounts {
    shared.withLock { shared in
      var counts = shared.counts
      // Those on their way to the thread, too.
      counts.waiting = Int(shared.lastTicket) - counts.delivered - counts.undelivered - counts.handedOff
      return counts
    }
  }

  /// The outcomes of all records until now, and how long delivery took.
  public var figures: DeliveryFigures { shared.withLock { $0.figures } }

  /// Stores the enqueued payloads and ends the thread; see ``PayloadQueue``.
  public func close() {
    shared.withLock { $0.isClosing = true }
    waker.wake()
    thread.take()?.join()
  }

  /// The thread.
  private func run(
    _ loop: EventLoop, _ connection: Connection, _ home: HomeDirectory, _ isVerified: Bool,
    _ serves: Bool, _ report: (DeliveryNotice) -> Void
  ) {
    let access = OutboxAccess(home: home, isForMany: true, isVerified: isVerified)
    func newWorker(_ connection: Connection) -> DeliveryWorker {
      isVerified
        ? DeliveryWorker(connection, access, home, .everything, waker: waker)
        : DeliveryWorker(connection, access, ClosedDestination(because: nil), .everything)
    }
    var (connection, worker, past) = (connection, newWorker(connection), PastDelivery())
    let stored = serves ? ConnectionStore(home: home, busyTimeout: .seconds(1)) : nil
    var isClosing = false
    var nextGroup = MonotonicInstant.now()
    while !isClosing {
      let next = worker.nextTurn
      loop.turn(until: stored == nil ? next : min(next, .now() + Self.lookForConnection))
      // A payload after a pause is taken immediately.
      let pause = nextGroup - .now()
      if pause > .zero { Thread<Void>.pause(pause) }
      // Asked before: payloads that were enqueued before closing are in the mailbox by then.
      isClosing = shared.withLock { $0.isClosing }
      let records = inbox.takeAll()
      if !records.isEmpty {
        let gathering = serves ? Self.gathering * records.count : Self.longestGathering
        nextGroup = .now() + min(gathering, Self.longestGathering)
      }
      // Outcomes that could not be stored are kept and tried again; a record may be sent twice for it, under the same
      // key.
      do throws(StateError) {
        // After a connection was set, no payload may go by the one before.
        if let current = stored.flatMap({ Self.current($0, home) }), current != connection {
          report(.connectionChanged)
          try worker.close()
          worker.takeNotices().forEach(report)
          past.add(worker)
          connection = current
          worker = newWorker(current)
        }
      } catch {
        report(.heldUp(error))
      }
      for record in records { worker.submit(record) }
      past.submitted += records.count
      do throws(StateError) { try isClosing ? worker.close() : worker.turn() } catch { report(.heldUp(error)) }
      worker.takeNotices().forEach(report)
      let payloads = past.takeDurable() + past.renumbered(worker.takeDurable())
      shared.withLock { shared in
        shared.counts = past.counts(with: worker)
        shared.figures = past.figures(with: worker)
      }
      if !payloads.isEmpty { durable.post(payloads) }
    }
  }
}

extension DeliveryThread {
  /// The connection of this moment; nil if it cannot be read now.
  private static func current(_ stored: ConnectionStore, _ home: HomeDirectory) -> Connection? {
    do throws(StateError) { return try stored.latest() ?? home.standardConnection } catch { return nil }
  }
}
