// SPDX-License-Identifier: Apache-2.0
import Delivery
import Glibc
import Platform
import RunModel
import StateStore

/// One simulated story of a home, its processes and its destination: all that happens follows from a seed.
public final class Schedule {
  /// Steps before all is well again.
  private static let steps = 15...36
  /// How long the end may take, beyond the time of requests that are on the way.
  private static let drainLimit = Duration.seconds(120)

  let home: HomeDirectory
  let time = SimulatedTime()
  let ledger: Ledger
  let topic: SimulatedTopic
  let connection: Connection
  var random: SeededRandom
  /// Why nothing can be done with the outbox for now.
  private(set) var outboxError: StateError?
  /// Whether an operator made payloads pending again that processes had counted as given up.
  private(set) var hasRetried = false
  /// Whether the time of day was set: whether a window was over for another process is then unknown.
  private(set) var hasSetClock = false
  /// The object that a planted fault keeps alive.
  var leaked: [OutboxAccess] = []
  private let observer: Outbox
  private let trace: (String) -> Void
  private var processes: [SimulatedProcess] = []
  private var nextProcess = 1
  private var nextKey = 1

  /// Runs the schedule of a seed in an empty directory.
  ///
  /// - Parameters:
  ///   - fault: planted on purpose.
  ///   - trace: receives what happens, a line each.
  /// - Throws: ``Violation`` if a promise is broken.
  public static func run(
    seed: UInt64, in directory: String, fault: PlantedFault? = nil, trace: @escaping (String) -> Void = { _ in }
  ) throws {
    let schedule = try Schedule(seed, directory, fault, trace)
    schedule.run()
    if let violation = schedule.ledger.violation { throw violation }
  }

  private init(_ seed: UInt64, _ directory: String, _ fault: PlantedFault?, _ trace: @escaping (String) -> Void) throws
  {
    random = SeededRandom(seed: seed)
    ledger = Ledger(trace)
    home = try HomeDirectory(path: directory)
    self.trace = trace
    let isFile = random.happens(20)
    var connection = Connection(
      kind: isFile ? .file : .plaintext, topic: "simulated", brokers: ["simulated:1"],
      filePath: isFile ? directory + "/sink" : nil)
    connection.deliveryWindow = random.pick([.seconds(3), .seconds(20), .seconds(240)])
    connection.onExpiry = random.happens(25) ? .drop : .keep
    self.connection = connection
    topic = SimulatedTopic(ledger, time, limit: random.pick([1000, 3000, 100_000]), fault: fault)
    observer = try Outbox(home: home)
  }

  private func run() {
    for step in 0..<Int.random(in: Self.steps, using: &random) where ledger.violation == nil {
      if step == 0 || random.happens(12) { startProcess() }
      happen()
      advance(by: pause())
    }
    if ledger.violation == nil { calmDown() }
    if ledger.violation == nil { checkEnds() }
    // They hold this schedule, and descriptors.
    for process in processes { process.end() }
    processes = []
  }

  /// Mostly to the next moment at which something is due, sometimes far beyond.
  private func pause() -> Duration {
    if !topic.isCalm, random.happens(4) { return random.milliseconds(5000...60_000) }
    if !topic.isCalm, random.happens(30) { return random.milliseconds(0...2500) }
    let next = processes.compactMap(\.nextTurn).min() ?? time.elapsed + .seconds(1)
    return max(.milliseconds(1), next - time.elapsed)
  }

  private func startProcess() {
    let process = SimulatedProcess(nextProcess, random.pick([.batch, .batch, .service, .exec]), in: self)
    nextProcess += 1
    trace("process \(process.number) starts: \(process.kind)")
    if random.happens(15) { process.crash(after: Int.random(in: 0...12, using: &random)) }
    process.start(connection)
    processes.append(process)
    if process.kind == .exec { submit(1, to: process) }
  }

  private func submit(_ count: Int, to process: SimulatedProcess) {
    let records = (0..<count).map { _ in
      defer { nextKey += 1 }
      let size = random.happens(10) ? Int.random(in: 900...4000, using: &random) : 200
      let value = "{\"request_id\":\"key-\(nextKey)\",\"padding\":\"\(String(repeating: "x", count: size))\"}"
      return InsightsRecord(
        key: "key-\(nextKey)", value: Array(value.utf8), headers: [.init("ce_id", "key-\(nextKey)")])
    }
    trace("process \(process.number) takes \(records.map(\.key))")
    process.submit(records)
  }

  /// One thing that a real home meets.
  private func happen() {
    switch Int.random(in: 0..<100, using: &random) {
    case ..<35:
      let batches = processes.filter { $0.kind == .batch && $0.worker != nil }
      if !batches.isEmpty { submit(Int.random(in: 1...8, using: &random), to: random.pick(batches)) }
    case ..<47:
      let states: [SimulatedTopic.State] =
        connection.kind == .file ? [.up, .up, .down] : [.up, .up, .up, .down, .refusesLogin, .denies]
      topic.state = random.pick(states)
      trace("the destination: \(topic.state)")
    case ..<55:
      if !processes.isEmpty {
        let process = random.pick(processes)
        let steps = Int.random(in: 0...20, using: &random)
        trace("process \(process.number) is to crash after \(steps) steps")
        process.crash(after: steps)
      }
    case ..<61:
      if !processes.isEmpty {
        let process = random.pick(processes)
        trace("process \(process.number) ends")
        process.close()
      }
    case ..<66:
      let step = random.pick([-3600, -60, -5, 5, 60, 3600])
      trace("the clock is set by \(step) s")
      hasSetClock = true
      time.step(.seconds(step))
    case ..<71:
      outboxError = random.pick([.locked(path: home.outboxDatabase), .diskFull(path: home.outboxDatabase)])
      trace("the outbox: \(outboxError.map { "\($0)" } ?? "")")
    case ..<82: outboxError = nil
    case ..<84:
      trace("an operator retries what was given up")
      hasRetried = true
      let given = (try? observer.list(states: [.expired, .rejected], limit: 1000)) ?? []
      _ = try? observer.retry(
        OutboxSelection(states: [.expired, .rejected]), window: connection.deliveryWindow, at: time.now)
      for record in given { ledger.renew(record.key, until: time.now + connection.deliveryWindow) }
    default: break
    }
    processes.removeAll { $0.worker == nil }
  }

  private func advance(by duration: Duration) {
    time.advance(duration)
    topic.settle()
    processes.shuffle(using: &random)
    // A stopped process, or one that gets no processor, takes no turn.
    for process in processes where topic.isCalm || random.happens(85) { process.turn() }
    processes.removeAll { $0.worker == nil }
  }

  /// Nothing goes wrong any more, and a service runs: everything must end.
  private func calmDown() {
    trace("all is well from now on")
    topic.state = .up
    topic.isCalm = true
    outboxError = nil
    startService()
    let end = time.elapsed + Self.drainLimit
    while time.elapsed < end, ledger.violation == nil {
      if processes.isEmpty { startService() }
      advance(by: pause())
      let isDone = (try? observer.pendingCount()) == 0 && !FallbackFile.exists(in: home)
      if isDone { break }
    }
    time.advance(.seconds(30))
    topic.settle()
    for process in processes { process.close() }
  }

  private func startService() {
    let process = SimulatedProcess(nextProcess, .service, in: self)
    nextProcess += 1
    process.start(connection)
    processes.append(process)
  }

  // MARK: The outbox as an operator sees it

  func pending() -> [String] { ((try? observer.list(states: [.pending], limit: 10_000)) ?? []).map(\.key) }

  func state(of key: String) -> OutboxState? {
    ((try? observer.list(limit: 10_000)) ?? []).first { $0.key == key }?.state
  }

  private func checkEnds() {
    guard let listed = try? observer.list(limit: 100_000) else {
      return ledger.fail(.nothingIsLost, "the outbox cannot be read")
    }
    var records: [String: OutboxListing] = [:]
    for record in listed {
      if records.updateValue(record, forKey: record.key) != nil {
        ledger.fail(.nothingIsInvented, "\(record.key) is in the outbox twice")
      }
      if ledger[record.key] == nil { ledger.fail(.nothingIsInvented, "\(record.key) is in the outbox") }
    }
    for key in ledger.keys { check(key, records[key]) }
  }

  private func check(_ key: String, _ listed: OutboxListing?) {
    guard let truth = ledger[key] else { return }
    switch listed?.state {
    case .pending: ledger.fail(.everythingEnds, "\(key) waits for ever")
    case .corrupt: ledger.fail(.reportsAreTrue, "\(key) is called corrupt")
    case .rejected:
      if truth.copies > 0 { ledger.fail(.reportsAreTrue, "\(key) is called rejected and arrived") }
      if !truth.isTooLarge, !truth.wasDenied { ledger.fail(.reportsAreTrue, "\(key) was rejected for no reason") }
    case .expired:
      if truth.copies > 0, listed?.possiblyPersisted == false {
        ledger.fail(.reportsAreTrue, "\(key) is reported as not arrived, and it did")
      }
      if let end = truth.windowEnd, time.latest < end {
        ledger.fail(.reportsAreTrue, "\(key) is called expired before the end of its window")
      }
    case nil where truth.copies == 0:
      // Not reported as safe, or reported as lost.
      guard let durable = truth.durable, durable.state != .rejected else { return }
      let isDropped = connection.onExpiry == .drop && truth.windowEnd.map { $0 <= time.latest } ?? false
      if !isDropped { ledger.fail(.nothingIsLost, "\(key) was reported as \(durable.state.rawValue) and is nowhere") }
    case nil: break
    }
  }
}
