// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Platform
internal import RunModel

/// The producer of one member of a group: writes records and the offsets of their requests together. For one thread at
/// a time.
@safe public final class GroupProducer: @unchecked Sendable {
  private static let textSize = 512
  /// How long one call of the library waits before it is made again.
  private static let step: Int32 = 5000
  /// Longer than brokers wait for the end of a transaction. The library was seen to try for ever after one had stood still.
  public static let callLimit = Duration.seconds(15)
  /// Steps in which a record has failed by its own time limit if no broker took it.
  private static let probeWaits = 3
  /// How long records of a full batch may take before more are produced all the same.
  private static let batchLimit = Duration.milliseconds(500)
  /// How long the last batches may take before the transaction continues: its next calls wait for them, too.
  private static let lastLimit = Duration.milliseconds(100)
  /// The time in which brokers usually answer.
  private static let usualAnswer = Duration.milliseconds(20)
  private static let queueFull = RD_KAFKA_RESP_ERR__QUEUE_FULL

  private let client: OpaquePointer
  private let settings: ProducerSettings
  private let failures: Failures
  private let batchSize: Int
  private var topics: [String: OpaquePointer] = unsafe [:]
  private let isTransactional: Bool
  private let watch: CallWatch
  /// A time before each commit, only for tests: a member that stands still then has shown its offsets to no reader but one of
  /// uncommitted ones.
  private let commitDelay: Duration?

  /// Records that failed, reported inside calls of the library.
  private final class Failures {
    var byNumber: [Int: KafkaCause] = [:]
  }

  /// Makes a producer that connects in the background.
  ///
  /// - Parameters:
  ///   - batchSize: bytes of the largest record batch.
  ///   - watch: shows others for how long a call lasts.
  /// - Throws: ``KafkaError`` for settings that the library refuses.
  public init(
    _ connection: ProducerSettings, _ group: GroupSettings, batchSize: Int, watch: CallWatch
  ) throws(KafkaError) {
    try KafkaLibrary.loadForGroups()
    self.watch = watch
    self.batchSize = batchSize
    settings = group.producer(connection, batchSize: batchSize)
    isTransactional = group.transactionalID != nil
    commitDelay = group.readsUncommitted ? .milliseconds(300) : nil
    failures = Failures()
    let configuration = unsafe try settings.configuration()
    unsafe crdk_conf_silence(configuration)
    let context = unsafe Unmanaged.passRetained(failures)
    unsafe crdk_conf_report_failures(
      configuration,
      { _, message, context in
        guard let message = unsafe message, let context = unsafe context else { return }
        let failures = unsafe Unmanaged<Failures>.fromOpaque(context).takeUnretainedValue()
        let number = unsafe Int(bitPattern: message.pointee._private)
        let error = unsafe message.pointee.err
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { failures.byNumber[number] = KafkaCause(error) }
      }, unsafe context.toOpaque())
    var text = [CChar](repeating: 0, count: Self.textSize)
    guard let client = unsafe crdk_new_producer(configuration, &text, text.count) else {
      unsafe crdk_conf_destroy(configuration)
      unsafe context.release()
      throw .settingsRefused(reason: settings.redact(Self.string(text)))
    }
    unsafe self.client = client
  }

  /// Ends the transaction that a predecessor of the same transactional name left open.
  ///
  /// - Parameter limit: how long it tries.
  /// - Returns: what is wrong; ``TransactionOutcome/committed`` for nothing.
  public func initialize(within limit: Duration) -> TransactionOutcome {
    guard isTransactional else { return .committed }
    return call(within: limit) { unsafe crdk_init_transactions(client, Self.step, &$0) } ?? .committed
  }

  /// Writes all of it, or nothing; nothing if `consumer` is not `member` of its group any more.
  ///
  /// After anything but success this producer is of no more use: requests that brokers have yet to take could end up in
  /// its next transaction. A new producer of the same name has them refused.
  public func write(
    _ records: [OutgoingRecord], _ offsets: [PartitionOffset], of consumer: GroupConsumer, as member: String
  ) -> TransactionOutcome {
    failures.byNumber = [:]
    guard isTransactional else { return writeAtLeastOnce(records, offsets, of: consumer) }
    if let problem = call({ unsafe crdk_begin_transaction(client, &$0) }) { return problem }
    if let problem = produce(records) { return abort(because: problem, records) }
    send(within: Self.lastLimit)
    if !offsets.isEmpty {
      let problem = unsafe consumer.withList(offsets) { list in
        call { unsafe crdk_send_offsets(client, list, consumer.client, member, Self.step, &$0) }
      }
      if let problem { return ended(problem, records) }
    }
    if let commitDelay { Thread<Void>.pause(commitDelay) }
    // Even if the library asks for an abort: the broker may have the commit.
    if let problem = call({ unsafe crdk_commit_transaction(client, Self.step, &$0) }) { return ended(problem, records) }
    return .committed
  }

  /// The result of a record that was to show whether a topic may be written.
  public enum Probed: Sendable, Equatable {
    /// A broker takes records of this producer.
    case taken
    /// It takes none, and will take none.
    case refused(KafkaCause)
    /// Nothing is known.
    case unanswered(KafkaCause)
    /// Another producer has the transactional name.
    case fenced(KafkaCause)
  }

  /// Produces one empty record and takes it back: shows whether the topic may be written.
  ///
  /// After anything but ``Probed/taken`` this producer is of no more use.
  public func probe(_ topic: String, waiting milliseconds: Int32) -> Probed {
    guard isTransactional else { return .taken }
    // The library looks for the leader of a partition first: not in the time that the record has.
    if let handle = unsafe handle(of: topic) {
      var topicError = RD_KAFKA_RESP_ERR_NO_ERROR
      var (partitions, brokers): (Int32, Int32) = (0, 0)
      _ = unsafe crdk_metadata(client, handle, milliseconds, &topicError, &partitions, &brokers)
    }
    let began = MonotonicInstant.now()
    guard let cause = tryRecord(of: topic, waits: Self.probeWaits) else { return .taken }
    if cause.isRefusal { return .refused(cause) }
    // A broker itself ends a transaction that is older.
    let isYoung = MonotonicInstant.now() - began < .milliseconds(GroupSettings.transactionTimeout)
    return isYoung && (cause.isFencing || isFenced) ? .fenced(cause) : .unanswered(cause)
  }

  /// Whether another producer has taken the transactional name. Brokers then refuse even a record that is taken back.
  public func hasLostName(trying topic: String) -> Bool {
    _ = tryRecord(of: topic, waits: 1)
    return isFenced
  }

  /// Produces one empty record in a transaction of its own, and takes it back.
  ///
  /// Not optimised: the optimiser of Swift 6.3.1 ends with a failed check of its own in this function.
  ///
  /// - Returns: why no broker took the record; nil if one did.
  @_optimize(none)
  private func tryRecord(of topic: String, waits: Int) -> KafkaCause? {
    failures.byNumber = [:]
    if let problem = call({ unsafe crdk_begin_transaction(client, &$0) }) { return problem.cause }
    // A compacted topic takes none without a key.
    let record = OutgoingRecord(to: .init(topic: topic, partition: 0), key: Array("algo-run".utf8), value: [])
    var cause = produce([record])
    var isDone = cause != nil
    for _ in 0..<waits where !isDone {
      isDone = unsafe crdk_flush(client, Self.step) == RD_KAFKA_RESP_ERR_NO_ERROR
      cause = failures.byNumber[0]
      if cause?.isReclaimed ?? true, let problem = transactionProblem { (cause, isDone) = (problem, true) }
    }
    let problem = call { unsafe crdk_abort_transaction(client, Self.step, &$0) }
    return cause ?? problem?.cause ?? (isDone ? nil : .withoutAnswer)
  }

  /// Why the open transaction cannot be committed; nil if nothing is known against it. If a broker does not take a topic into
  /// it, the library takes the records back, and names the reason only to the next call: this one changes nothing.
  private var transactionProblem: KafkaCause? {
    var outcome = crdk_outcome()
    watch.during { unsafe crdk_begin_transaction(client, &outcome) }
    return outcome.abortable || outcome.fatal ? settings.explain(KafkaCause(outcome.code)) : nil
  }

  private func writeAtLeastOnce(
    _ records: [OutgoingRecord], _ offsets: [PartitionOffset], of consumer: GroupConsumer
  ) -> TransactionOutcome {
    let refused = produce(records)
    send(within: Self.lastLimit)
    // Ends with the library's own time limit of each record at the latest.
    while unsafe crdk_flush(client, Self.step) != RD_KAFKA_RESP_ERR_NO_ERROR {}
    if let cause = refused ?? failures.byNumber.first?.value { return .aborted(cause, refused: refusing(records)) }
    if let cause = offsets.isEmpty ? nil : consumer.commit(offsets) { return .aborted(cause, refused: []) }
    return .committed
  }

  // MARK: Steps

  private func produce(_ records: [OutgoingRecord]) -> KafkaCause? {
    var room = BatchRoom(batchSize: batchSize)
    for number in records.indices {
      guard let topic = unsafe handle(of: records[number].topic) else {
        return KafkaCause(
          code: RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION.rawValue, text: "\"\(records[number].topic)\" is not a topic name")
      }
      if !room.add(records[number]) {
        send(within: Self.batchLimit)
        room.clear()
        _ = room.add(records[number])
      }
      while true {
        let error = unsafe produce(records[number], to: topic, number)
        if error == RD_KAFKA_RESP_ERR_NO_ERROR { break }
        guard error == Self.queueFull else {
          failures.byNumber[number] = KafkaCause(error)
          return KafkaCause(error)
        }
        unsafe crdk_flush(client, 10)
      }
    }
    return nil
  }

  /// Sends what was produced, which otherwise waits for more, and awaits the brokers' answers for a while.
  private func send(within limit: Duration) {
    let began = MonotonicInstant.now()
    watch.during {
      while true {
        // The library looks for the end each 10 ms, or when this time is over.
        let wait: Int32 = MonotonicInstant.now() < began + Self.usualAnswer ? 1 : 10
        guard unsafe crdk_flush(client, wait) != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        if MonotonicInstant.now() >= began + limit { return }
      }
    }
  }

  private func produce(_ record: OutgoingRecord, to topic: OpaquePointer, _ number: Int) -> rd_kafka_resp_err_t {
    // An empty key or value has no address of its own, and the library takes NULL for "none".
    let nothing: StaticString = ""
    let (key, value) = (record.key, record.value)
    return unsafe (key ?? []).withUnsafeBytes { keyBytes in
      unsafe (value ?? []).withUnsafeBytes { valueBytes in
        unsafe record.headers.bytes.withUnsafeBufferPointer { headers in
          unsafe crdk_produce_packed(
            client, topic, record.partition ?? -1,
            key == nil ? nil : keyBytes.baseAddress ?? .init(nothing.utf8Start), keyBytes.count,
            value == nil ? nil : valueBytes.baseAddress ?? .init(nothing.utf8Start), valueBytes.count,
            headers.baseAddress, record.headers.count, record.timestamp, number)
        }
      }
    }
  }

  private func handle(of topic: String) -> OpaquePointer? {
    if let known = unsafe topics[topic] { return unsafe known }
    let made = unsafe crdk_topic_new(client, topic)
    unsafe topics[topic] = made
    return unsafe made
  }

  /// Makes a call of the library until it ends in something else than "again".
  ///
  /// - Returns: nil for success.
  private func call(
    within limit: Duration = callLimit, _ body: (inout crdk_outcome) -> Void
  ) -> TransactionOutcome? {
    let deadline = MonotonicInstant.now() + limit
    while true {
      var outcome = crdk_outcome()
      watch.during { body(&outcome) }
      guard outcome.code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
      let cause = settings.explain(
        KafkaCause(code: outcome.code.rawValue, text: settings.redact(Self.string(outcome))))
      if outcome.fatal || outcome.code == RD_KAFKA_RESP_ERR__FATAL || outcome.code == RD_KAFKA_RESP_ERR__FENCED {
        return outcome.code == RD_KAFKA_RESP_ERR__FENCED || isFenced ? .fenced(cause) : .fatal(cause)
      }
      if outcome.abortable { return .aborted(cause, refused: []) }
      let isAgain = outcome.retriable || outcome.code == RD_KAFKA_RESP_ERR__TIMED_OUT
      guard isAgain else { return .fatal(cause) }
      if MonotonicInstant.now() >= deadline { return .unfinished(cause) }
    }
  }

  private var isFenced: Bool {
    var text = [CChar](repeating: 0, count: Self.textSize)
    return unsafe crdk_fatal_error(client, &text, text.count) == RD_KAFKA_RESP_ERR__FENCED
  }

  private func ended(_ problem: TransactionOutcome, _ records: [OutgoingRecord]) -> TransactionOutcome {
    guard case .aborted(let cause, _) = problem else { return problem }
    return abort(because: cause, records)
  }

  /// Takes the records back, which shows why each was refused. Whether the transaction has ended is for a new producer to
  /// find out.
  private func abort(because cause: KafkaCause, _ records: [OutgoingRecord]) -> TransactionOutcome {
    if cause.code != RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue,
      case .fenced(let cause) = call({ unsafe crdk_abort_transaction(client, Self.step, &$0) })
    {
      return .fenced(cause)
    }
    // A record that was refused is the cause; that the library took others back is not.
    let refused = failures.byNumber.filter { !$0.value.isReclaimed }.min { $0.key < $1.key }?.value
    return .aborted(refused ?? cause, refused: refusing(records))
  }

  /// Topics of records that failed.
  private func refusing(_ records: [OutgoingRecord]) -> [String] {
    Set(failures.byNumber.filter { !$0.value.isReclaimed }.keys.map { records[$0].topic }).sorted()
  }

  /// Ends the library's threads on a thread of its own: one may wait for a broker.
  public func closeInBackground() {
    let (client, topics) = unsafe (client, topics)
    nonisolated(unsafe) let handles = unsafe (client, Array(topics.values))
    _ = try? Thread.start {
      unsafe handles.1.forEach { unsafe crdk_topic_destroy($0) }
      unsafe crdk_destroy(handles.0)
    }
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func string(_ outcome: crdk_outcome) -> String {
    var outcome = outcome
    return unsafe withUnsafeBytes(of: &outcome.text) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
