internal import Glibc
internal import KafkaClient
public import RunModel
public import StateStore
internal import Synchronization

/// Delivers the payloads of a batch on a thread of its own, so that the batch never waits for a disk or a broker.
///
/// The thread takes all that has been enqueued at once: while one group is synced to the disk the next one gathers, so
/// the number of syncs follows the disk's speed and not the number of payloads.
public final class BatchPublisher: PayloadQueue {
  private struct Shared {
    var queue: [QueuedPayload] = []
    var settled: [SettledPayload] = []
    var counts = PayloadCounts.none
    var lastTicket: UInt64 = 0
    var isClosing = false
  }

  private static let noThread = "no thread can be started for delivery"

  private let shared = Mutex(Shared())
  private let work = WakePipe()
  private let settledPipe = WakePipe()
  private var thread = pthread_t()
  private var isThreadRunning = false

  /// A queue for a home and its connection, nil meaning the file in the home. Its thread starts at once.
  ///
  /// - Parameters:
  ///   - isVerified: whether it is known that the version has Insights on. If not, payloads go to the fallback file.
  ///   - say: shows the user one line, the prefix not included; called from the thread.
  public init(
    connection: Connection?, home: HomeDirectory, isVerified: Bool = true, say: @escaping @Sendable (String) -> Void
  ) {
    let connection = connection ?? Connection(kind: .file, filePath: home.insightsFile)
    let start = ThreadStart(publisher: self, connection: connection, home: home, isVerified: isVerified, say: say)
    let context = Unmanaged.passRetained(start)
    isThreadRunning = SignalFreeThread.start(&thread, context.toOpaque()) { context in
      guard let context else { return nil }
      let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
      start.publisher.run(start)
      return nil
    }
    if !isThreadRunning {
      context.release()
      say("\(Self.noThread), so payloads of this batch are lost; raise the limit of processes (ulimit -u).")
    }
  }

  /// Takes one payload; see ``PayloadQueue``.
  public func enqueue(_ record: InsightsRecord) -> UInt64 {
    let ticket = shared.withLock { shared in
      shared.lastTicket += 1
      shared.counts.waiting += 1
      shared.queue.append(QueuedPayload(ticket: shared.lastTicket, record: record))
      return shared.lastTicket
    }
    if isThreadRunning { work.wake() } else { settleAsLost() }
    return ticket
  }

  /// Those settled since the last call; see ``PayloadQueue``.
  public func takeSettled() -> [SettledPayload] {
    settledPipe.clear()
    return shared.withLock { shared in
      defer { shared.settled = [] }
      return shared.settled
    }
  }

  /// Readable while something is settled; see ``PayloadQueue``.
  public var settledDescriptor: Int32 { settledPipe.reader }

  /// The figures now; see ``PayloadQueue``.
  public var counts: PayloadCounts { shared.withLock { $0.counts } }

  /// Stores what is enqueued and ends the thread; see ``PayloadQueue``.
  public func close() {
    guard isThreadRunning else { return }
    shared.withLock { $0.isClosing = true }
    work.wake()
    pthread_join(thread, nil)
    isThreadRunning = false
  }

  private func settleAsLost() {
    shared.withLock { shared in
      shared.settled += shared.queue.map {
        SettledPayload(ticket: $0.ticket, delivery: Delivery(.rejected, detail: Self.noThread))
      }
      shared.counts.apply(.lost(shared.queue.count))
      shared.queue = []
    }
    settledPipe.wake()
  }

  /// The thread: everything the courier does happens here.
  private func run(_ start: ThreadStart) {
    let counting: (PayloadChange) -> Void = { [unowned self] change in shared.withLock { $0.counts.apply(change) } }
    let (connection, home, say) = (start.connection, start.home, start.say)
    let courier: any PayloadCourier =
      if !start.isVerified {
        FallbackCourier(home: home, say: say, count: counting)
      } else if connection.kind == .file {
        FileCourier(connection: connection, home: home, say: say, count: counting)
      } else {
        KafkaCourier(connection: connection, home: home, wake: work.writer, say: say, count: counting)
      }
    var isClosing = false
    while !isClosing {
      work.wait(milliseconds: courier.patience)
      work.clear()
      let payloads: [QueuedPayload]
      (payloads, isClosing) = shared.withLock { shared in
        defer { shared.queue = [] }
        return (shared.queue, shared.isClosing)
      }
      let settled = payloads.isEmpty ? [] : courier.take(payloads)
      if !settled.isEmpty {
        shared.withLock { $0.settled += settled }
        settledPipe.wake()
      }
      courier.turn()
    }
    courier.finish()
  }
}

/// What the thread is started with.
private final class ThreadStart {
  let publisher: BatchPublisher
  let connection: Connection
  let home: HomeDirectory
  let isVerified: Bool
  let say: (String) -> Void

  init(
    publisher: BatchPublisher, connection: Connection, home: HomeDirectory, isVerified: Bool,
    say: @escaping (String) -> Void
  ) {
    self.publisher = publisher
    self.isVerified = isVerified
    self.connection = connection
    self.home = home
    self.say = say
  }
}

/// Who carries payloads to where they go. Lives on the delivery thread.
protocol PayloadCourier: AnyObject {
  /// For how many milliseconds there is nothing to do unless the pipe is woken.
  var patience: Int32 { get }
  /// Makes payloads safe; every ticket comes back.
  func take(_ payloads: [QueuedPayload]) -> [SettledPayload]
  /// Goes on with what waits.
  func turn()
  /// Leaves everything in order.
  func finish()
}

/// A payload and its ticket.
struct QueuedPayload: Sendable {
  let ticket: UInt64
  let record: InsightsRecord
}

/// So many payloads of a batch are no longer waiting.
enum PayloadChange { case delivered(Int), lost(Int), left(Int) }

extension PayloadCounts {
  fileprivate mutating func apply(_ change: PayloadChange) {
    switch change {
    case .delivered(let count):
      waiting -= count
      delivered += count
    case .lost(let count):
      waiting -= count
      lost += count
    case .left(let count):
      waiting -= count
      left += count
    }
  }
}
