// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel
public import StateStore
internal import Synchronization

/// Runs a ``DeliveryWorker`` on a thread of its own, so that a batch never waits for a disk or a broker.
///
/// The thread takes all that has been enqueued at once: while one group is synced to the disk the next one gathers, so
/// the number of syncs follows the disk's speed and not the number of payloads.
public final class DeliveryThread: PayloadQueue, Sendable {
  private struct Shared {
    var lastTicket: UInt64 = 0
    var counts = PayloadCounts.none
    var figures = DeliveryFigures()
    var isClosing = false
  }

  /// Pause between two groups of payloads. Each group costs wake-ups of two threads, and a file is opened and locked.
  private static let gathering = Duration.milliseconds(1)

  private let inbox: Mailbox<InsightsRecord>
  private let waker: Waker
  private let durable: Mailbox<[DurablePayload]>
  private let shared = Mutex(Shared())
  /// For the owner only, like every public member.
  private nonisolated(unsafe) var thread: Thread<Void>?

  /// A queue for a home and its connection, nil meaning the file in the home. Its thread starts at once.
  ///
  /// - Parameters:
  ///   - isVerified: whether it is known that the version has Insights on. If not, payloads go to the fallback file.
  ///   - owner: the loop of the thread that takes durable payloads.
  ///   - report: receives facts for the user; called from the thread.
  /// - Throws: the system's error if it has no thread or descriptor left.
  public init(
    connection: Connection?, home: HomeDirectory, isVerified: Bool = true, waking owner: EventLoop,
    report: @escaping @Sendable (DeliveryNotice) -> Void
  ) throws(SystemError) {
    let connection = connection ?? Connection(kind: .file, filePath: home.insightsFile)
    let loop = try EventLoop()
    inbox = Mailbox(waking: loop)
    waker = loop.waker
    durable = Mailbox(waking: owner)
    thread = try Thread.start { [self] in run(loop, connection, home, isVerified, report) }
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

  /// What became of all records until now, and how long that took.
  public var figures: DeliveryFigures { shared.withLock { $0.figures } }

  /// Stores what is enqueued and ends the thread; see ``PayloadQueue``.
  public func close() {
    shared.withLock { $0.isClosing = true }
    waker.wake()
    thread.take()?.join()
  }

  /// The thread.
  private func run(
    _ loop: EventLoop, _ connection: Connection, _ home: HomeDirectory, _ isVerified: Bool,
    _ report: (DeliveryNotice) -> Void
  ) {
    let access = OutboxAccess(home: home, isForMany: true, isVerified: isVerified)
    let worker =
      isVerified
      ? DeliveryWorker(connection, access, home, .everything, waker: waker)
      : DeliveryWorker(connection, access, ClosedDestination(because: nil), .everything)
    var isClosing = false
    var nextGroup = MonotonicInstant.now()
    while !isClosing {
      loop.turn(until: worker.nextTurn)
      // A payload after a pause is taken at once.
      if MonotonicInstant.now() < nextGroup { loop.turn(until: nextGroup) }
      // Asked before: what was enqueued before closing is in the mailbox by then.
      isClosing = shared.withLock { $0.isClosing }
      let records = inbox.takeAll()
      if !records.isEmpty { nextGroup = .now() + Self.gathering }
      for record in records { worker.submit(record) }
      // What could not be stored is kept and tried again; a record may be sent twice for it, under the same key.
      do throws(StateError) { try isClosing ? worker.close() : worker.turn() } catch { report(.heldUp(error)) }
      worker.takeNotices().forEach(report)
      let payloads = worker.takeDurable()
      shared.withLock { shared in
        shared.counts = worker.counts
        shared.figures = worker.figures
      }
      if !payloads.isEmpty { durable.post(payloads) }
    }
  }
}
