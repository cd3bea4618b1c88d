internal import Glibc
internal import KafkaClient
internal import Platform
internal import RunModel
internal import StateStore

/// Takes claimed records to where the connection points: what `outbox deliver` drives.
protocol RecordCarrier: AnyObject {
  var onEnding: ((DeliveryEngine.Ending) -> Void)? { get set }
  var onOutage: ((String?) -> Void)? { get set }
  /// Why nothing can be delivered for now, in a sentence.
  var problem: String? { get }
  /// Records under way.
  var count: Int { get }
  func claim() throws(StateError) -> (count: Int, corrupt: [Int64])
  func turn(waiting milliseconds: Int32)
  func store() throws(StateError)
  func finish()
}

/// To Kafka.
final class KafkaCarrier: RecordCarrier {
  /// Records claimed at once; what is under way beside them is the policy's affair.
  static let claimed = 2000

  private let engine: DeliveryEngine
  var onEnding: ((DeliveryEngine.Ending) -> Void)? {
    didSet { engine.onEnding = { [unowned self] _, ending in onEnding?(ending) } }
  }
  var onOutage: ((String?) -> Void)? { didSet { engine.onOutage = onOutage } }

  init(_ engine: DeliveryEngine) { self.engine = engine }

  var problem: String? { engine.problem.map { "nothing can be delivered for now: \($0)" } }
  var count: Int { engine.policy.count }
  func claim() throws(StateError) -> (count: Int, corrupt: [Int64]) { try engine.claim(atMost: Self.claimed) }

  func turn(waiting milliseconds: Int32) {
    // Without a producer there is nothing whose events could be waited for.
    if engine.problem != nil { usleep(useconds_t(max(0, milliseconds)) * 1000) }
    engine.turn(waiting: milliseconds)
  }

  func store() throws(StateError) { try engine.store() }
  func finish() { engine.finish() }
}

/// To a file.
final class FileCarrier: RecordCarrier {
  /// After so long a record that the file did not take is due again.
  static let pause = Duration.seconds(1)

  private let atOnce: Int
  private let sink: FileSink
  private let outbox: Outbox
  private let token: DelivererToken
  /// Appended, and still in the outbox.
  private(set) var written: [Int64] = []
  /// Not appended, and to be given back.
  private var failed: [FailedAttempt] = []
  private(set) var problem: String?
  var onEnding: ((DeliveryEngine.Ending) -> Void)?
  var onOutage: ((String?) -> Void)?
  let count = 0

  /// - Parameters:
  ///   - sink: the file.
  ///   - atOnce: how many records one claim takes.
  init(_ sink: FileSink, outbox: Outbox, token: DelivererToken, atOnce: Int = 1000) {
    self.atOnce = atOnce
    self.sink = sink
    self.outbox = outbox
    self.token = token
  }

  func claim() throws(StateError) -> (count: Int, corrupt: [Int64]) {
    let claim = try outbox.claim(limit: atOnce, for: token)
    guard !claim.records.isEmpty else { return (0, claim.corrupt) }
    var appended = 0
    var obstacle: FileSinkError?
    do throws(FileSinkError) {
      appended = try sink.append(claim.records.map(\.record.value))
      if appended < claim.records.count { obstacle = sink.slowReader }
    } catch { obstacle = error }
    if problem != nil, obstacle == nil { onOutage?(nil) }
    problem = obstacle.map { "\($0)" }
    written += claim.records[..<appended].map(\.id)
    for _ in 0..<appended { onEnding?(.delivered) }
    if let problem {
      onOutage?(problem)
      failed += claim.records[appended...].map { FailedAttempt(id: $0.id, error: problem) }
    }
    return (claim.records.count, claim.corrupt)
  }

  func turn(waiting milliseconds: Int32) { usleep(useconds_t(max(0, milliseconds)) * 1000) }

  /// Whether the outbox knows what became of all that was claimed.
  var isStored: Bool { written.isEmpty && failed.isEmpty }

  /// What cannot be stored is kept for the next time: nobody else touches a claimed record while this process lives.
  func store() throws(StateError) {
    if !written.isEmpty {
      try outbox.remove(written)
      written = []
    }
    if !failed.isEmpty {
      try outbox.reschedule(failed, notBefore: WallClock.now() + Self.pause, of: token)
      failed = []
    }
  }

  func finish() {}
}
