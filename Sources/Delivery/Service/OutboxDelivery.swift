internal import Glibc
internal import KafkaClient
internal import Platform
public import RunModel
public import StateStore

/// Delivers what waits in the outbox of a home: `outbox deliver`, once or as a service. For one thread.
public final class OutboxDelivery {
  /// What was done.
  public struct Figures: Sendable, Equatable {
    /// Acknowledged, or appended to the file.
    public var delivered = 0
    /// Given up at the end of their window, and kept.
    public var expired = 0
    /// Given up at the end of their window, and gone.
    public var dropped = 0
    /// Never to be taken by the broker.
    public var rejected = 0
    /// Expired or rejected, now or earlier, and removed because of the retention.
    public var removed = 0
    /// Still pending at the end, those that another process delivers not counted.
    public var waiting = 0
    /// Pending, and in the hands of another process.
    public var elsewhere = 0

    /// Whether nothing is left to do and nothing was lost.
    public var isComplete: Bool { expired == 0 && dropped == 0 && rejected == 0 && waiting == 0 && elsewhere == 0 }
  }

  /// How often an idle service looks for new records.
  static let idlePause: Int32 = 500
  /// How often ended windows, dead deliverers and the end of the work are looked for.
  static let carePause = Duration.seconds(1)
  /// How often old records are removed at least.
  static let prunePause = Duration.seconds(60)

  private let outbox: Outbox
  private let token: DelivererToken
  private let home: HomeDirectory
  private let readConnection: () throws(StateError) -> Connection?
  private let say: (String) -> Void
  private var connection: Connection
  private var carrier: any RecordCarrier
  private var figures = Figures()
  /// Whether there is more that was given up than at the last look at how much of it is kept.
  private var hasGivenUp = false
  private var said: Set<String> = []

  /// A deliverer for a home.
  ///
  /// - Parameters:
  ///   - readConnection: reads the connection of this moment; asked before each claim, so it should cost little.
  ///   - say: shows the user one line, the prefix not included.
  public init(
    home: HomeDirectory, readConnection: @escaping () throws(StateError) -> Connection?,
    say: @escaping (String) -> Void
  ) throws(StateError) {
    self.home = home
    self.readConnection = readConnection
    self.say = say
    // A damaged one is set aside, as `exec` does: a service that ended here would be started again for ever.
    outbox = try Outbox(home: home, onRecovery: { say($0.sentence) })
    // Damage to what only tells of records would leave them waiting unseen, and nobody reads it all but this one.
    try outbox.examine()
    token = try DelivererToken(home: home)
    connection = try readConnection() ?? Connection(kind: .file, filePath: home.insightsFile)
    carrier = Self.carrier(for: connection, outbox, token, home)
    attach()
  }

  /// Delivers until nothing waits, or, as a service (`follows`), until `shouldStop` holds. What could not be delivered
  /// by then is in the outbox, held by nobody.
  public func run(follows: Bool, shouldStop: () -> Bool) throws(StateError) -> Figures {
    var nextCare = MonotonicInstant.now()
    var nextPrune = MonotonicInstant.now()
    var isFinished = false
    while !isFinished, !shouldStop() {
      do throws(StateError) {
        // Whoever was told "from now on" must find the next payload there.
        try takeNewConnection()
        let claim = try carrier.claim()
        report(corrupt: claim.corrupt)
        carrier.turn(waiting: carrier.count > 0 ? 20 : claim.count > 0 ? 0 : follows ? Self.idlePause : 50)
        try carrier.store()
        if nextCare <= MonotonicInstant.now() {
          nextCare = MonotonicInstant.now() + Self.carePause
          for record in try outbox.expire(connection.onExpiry, because: carrier.problem) {
            if record.wasDenied { rejected() } else { expired(because: carrier.problem ?? "") }
          }
          if hasGivenUp || nextPrune <= MonotonicInstant.now() {
            nextPrune = MonotonicInstant.now() + Self.prunePause
            try prune()
          }
          if !follows { isFinished = try hasNothingToDo() }
        } else if !follows, carrier.count == 0, claim.count == 0 {
          isFinished = try hasNothingToDo()
        }
      } catch {
        // A service outlives a full disk or a long lock; someone at a terminal wants to know at once.
        // Whose outbox is gone has nothing left to serve, and begins anew when it is started again.
        guard follows, !isGone(error) else { throw error }
        sayOnce("delivery is held up: \(error)")
        carrier.turn(waiting: 1000)
      }
    }
    carrier.finish()
    try carrier.store()
    try prune()
    let status = try outbox.status()
    figures.elsewhere = status.claimed
    figures.waiting = status.count(.pending) - status.claimed + (try FallbackFile.count(in: home))
    return figures
  }

  /// Pending records in other hands are not waited for.
  private func hasNothingToDo() throws(StateError) -> Bool {
    guard carrier.count == 0 else { return false }
    let status = try outbox.status()
    return status.count(.pending) == status.claimed
  }

  private func prune() throws(StateError) {
    figures.removed += try outbox.prune(connection.retention)
    hasGivenUp = false
  }

  private func isGone(_ error: StateError) -> Bool {
    if case .inaccessible(home.outboxDatabase, ENOENT) = error { true } else { false }
  }

  private func takeNewConnection() throws(StateError) {
    let current = try readConnection() ?? Connection(kind: .file, filePath: home.insightsFile)
    guard current != connection else { return }
    say("the connection has changed: delivering by the new one")
    carrier.finish()
    try carrier.store()
    connection = current
    carrier = Self.carrier(for: current, outbox, token, home)
    attach()
  }

  private func attach() {
    carrier.onEnding = { [unowned self] ending in
      switch ending {
      case .delivered: figures.delivered += 1
      case .expired(let cause): expired(because: cause)
      case .rejected(let reason):
        rejected()
        sayOnce("payloads were rejected; see `algo-run outbox list --state rejected`: \(reason)")
      }
    }
    carrier.onOutage = { [unowned self] cause in
      if let cause { sayOnce("\(obstacle): \(cause)") } else { recover() }
    }
    if let problem = carrier.problem { sayOnce(problem) }
  }

  private func rejected() {
    figures.rejected += 1
    hasGivenUp = true
  }

  private func expired(because cause: String) {
    hasGivenUp = true
    if connection.onExpiry == .drop { figures.dropped += 1 } else { figures.expired += 1 }
    sayOnce(connection.onExpiry.sentence(of: "payloads", cause: cause))
  }

  /// What holds delivery up, for the connection there is.
  private var obstacle: String { connection.kind == .file ? "nothing can be written for now" : "the broker is down" }

  private func recover() {
    if said.contains(where: { $0.hasPrefix(obstacle) }) {
      say(connection.kind == .file ? "the file can be written again" : "the broker answers again")
    }
    said = said.filter { !$0.hasPrefix(obstacle) }
  }

  private func report(corrupt records: [Int64]) {
    guard !records.isEmpty else { return }
    say("\(records.count) damaged record(s) were set aside; see `algo-run outbox list --state corrupt`")
  }

  private func sayOnce(_ line: String) {
    if said.insert(line).inserted { say(line) }
  }

  private static func carrier(
    for connection: Connection, _ outbox: Outbox, _ token: DelivererToken, _ home: HomeDirectory
  ) -> any RecordCarrier {
    connection.kind == .file
      ? FileCarrier(FileSink(path: connection.filePath ?? home.insightsFile), outbox: outbox, token: token)
      : KafkaCarrier(DeliveryEngine(connection: connection, outbox: outbox, token: token, traffic: .many))
  }
}
