// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
public import Platform
internal import Synchronization

/// Hears which partitions of the topic this member owns. Called inside ``GroupConsumer/poll()`` and
/// ``GroupConsumer/close(within:)``.
public protocol AssignmentWatcher: AnyObject {
  /// These are given to it; it calls ``GroupConsumer/assign(_:)`` now.
  func assigned(_ partitions: [Int32])
  /// These are taken from it; it calls ``GroupConsumer/unassign(_:)`` now, or later unless they are lost: then another
  /// member may own them already.
  func revoked(_ partitions: [Int32], areLost: Bool)
}

/// The consumer of one member of a group, subscribed to one topic. For one thread at a time.
@safe public final class GroupConsumer: @unchecked Sendable {
  private static let textSize = 512

  /// The result of a poll.
  public enum Polled {
    case message(ConsumedMessage)
    /// The end of a partition: its next record will have this offset, or a later one.
    case end(PartitionOffset)
    /// The record at this place cannot be read.
    case unreadable(PartitionOffset, KafkaCause)
    /// The committed offset of this partition is not there any more.
    case lost(partition: Int32, KafkaCause)
    /// Something is wrong with a connection; the library continues trying by itself.
    case trouble(KafkaCause)
    /// This member is finished.
    case fatal(KafkaCause)
  }

  let client: OpaquePointer
  private let queue: OpaquePointer
  private let settings: ProducerSettings
  private let topic: String
  private let group: String
  /// Set before ``subscribe()``; must outlive it.
  public weak var watcher: (any AssignmentWatcher)?
  private var isAbandoned = false
  private let isClosed = Atomic(false)

  /// Makes a consumer that connects in the background.
  ///
  /// - Throws: ``KafkaError`` for settings that the library refuses.
  public init(_ connection: ProducerSettings, _ group: GroupSettings) throws(KafkaError) {
    try KafkaLibrary.loadForGroups()
    settings = group.consumer(connection)
    topic = group.topic
    self.group = group.group
    let configuration = unsafe try settings.configuration()
    var text = [CChar](repeating: 0, count: Self.textSize)
    unsafe crdk_conf_silence(configuration)
    // Filled in below, when there is a consumer to name: no callback comes before the first poll.
    let box = unsafe Unmanaged.passRetained(Box())
    unsafe crdk_conf_set_rebalance(
      configuration,
      { _, event, list, context in
        guard let list = unsafe list, let context = unsafe context else { return }
        let consumer = unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().consumer
        unsafe consumer?.rebalanced(event, GroupConsumer.partitions(in: list))
      }, unsafe box.toOpaque())
    guard let client = unsafe crdk_new_consumer(configuration, &text, text.count) else {
      unsafe crdk_conf_destroy(configuration)
      throw .settingsRefused(reason: settings.redact(Self.string(text)))
    }
    unsafe self.client = client
    unsafe crdk_poll_by_consumer(client)
    guard let queue = unsafe crdk_queue_get_consumer(client) else {
      throw .settingsRefused(reason: "the library gave no queue for the group")
    }
    unsafe self.queue = queue
    unsafe box.takeUnretainedValue().consumer = self
  }

  /// The context of the library's callback.
  private final class Box { weak var consumer: GroupConsumer? }

  deinit {
    guard isAbandoned else { return }
    // On a thread of its own: the library may wait for a broker.
    nonisolated(unsafe) let handles = unsafe (client, queue)
    _ = try? Thread.start {
      unsafe crdk_queue_destroy(handles.1)
      unsafe crdk_destroy(handles.0)
    }
  }

  /// Joins the group.
  public func subscribe() -> KafkaCause? { cause(unsafe crdk_subscribe(client, topic)) }

  /// Has `waker` woken whenever there is something to ``poll()`` again after nothing was left.
  public func wake(_ waker: Waker) { waker.withNumber { unsafe crdk_queue_wake(queue, $0, Waker.message) } }

  /// Takes the next event; nil if there is none. Never waits.
  public func poll() -> Polled? {
    guard let message = unsafe crdk_consumer_poll(client, 0) else { return nil }
    let error = unsafe message.pointee.err
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return .message(unsafe ConsumedMessage(message, of: self)) }
    defer { unsafe crdk_message_destroy(message) }
    let place = unsafe PartitionOffset(partition: message.pointee.partition, offset: message.pointee.offset)
    let words = unsafe message.pointee.payload.map { payload in
      unsafe String(decoding: UnsafeRawBufferPointer(start: payload, count: message.pointee.len), as: UTF8.self)
    }
    var cause = KafkaCause(error)
    if let words { cause = KafkaCause(code: cause.code, text: settings.redact(KafkaCause.essence(of: words))) }
    cause = settings.explain(cause)
    switch error {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: return .end(place)
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: return .lost(partition: place.partition, cause)
    case RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR_INVALID_MSG,
      RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
      RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
      return place.offset >= 0 ? .unreadable(place, cause) : .trouble(cause)
    default: return fatal.map { .fatal($0) } ?? .trouble(cause)
    }
  }

  /// Why this member is finished; nil while it is not.
  public var fatal: KafkaCause? {
    var text = [CChar](repeating: 0, count: Self.textSize)
    let code = unsafe crdk_fatal_error(client, &text, text.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return KafkaCause(code: code.rawValue, text: settings.redact(Self.string(text)))
  }

  /// Leaves the group; a static member only ends. Partitions that are still assigned are revoked first.
  private func close() {
    _ = unsafe crdk_consumer_close(client)
    isClosed.store(true, ordering: .releasing)
  }

  /// Closes it, and waits for that at most so long: the library itself waits without a limit while the group assigns
  /// its partitions anew. Nothing else may be called in the meantime, nor afterwards.
  public func close(within limit: Duration) {
    let deadline = MonotonicInstant.now() + limit
    guard (try? Thread.start { [self] in close() }) != nil else { return close() }
    while !isClosed.load(ordering: .acquiring), MonotonicInstant.now() < deadline {
      Thread<Void>.pause(.milliseconds(2))
    }
  }

  /// Gives it up: closes it on a thread of its own, and ends the library's threads once its messages are gone.
  public func abandon() {
    isAbandoned = true
    watcher = nil
    _ = try? Thread.start { [self] in close() }
  }

  // MARK: Partitions

  /// The name that the group gave this member; empty while it is in none. It never comes back: a member that the group
  /// removed has another one when it joins again.
  public var memberID: String {
    var text = [CChar](repeating: 0, count: Self.textSize)
    unsafe crdk_member_id(client, &text, text.count)
    return Self.string(text)
  }

  private func rebalanced(_ event: rd_kafka_resp_err_t, _ partitions: [Int32]) {
    let isAssignment = event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
    // The library waits for an answer to each.
    guard let watcher else {
      let places = partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) }
      _ = isAssignment ? assign(places) : unassign(partitions)
      return
    }
    if isAssignment {
      watcher.assigned(partitions)
    } else {
      watcher.revoked(partitions, areLost: unsafe crdk_assignment_lost(client))
    }
  }

  /// Begins to read partitions at these offsets.
  public func assign(_ partitions: [PartitionOffset]) -> KafkaCause? {
    unsafe withList(partitions) { list in
      var outcome = crdk_outcome()
      unsafe crdk_incremental_assign(client, list, &outcome)
      return cause(outcome.code)
    }
  }

  /// Gives partitions up.
  public func unassign(_ partitions: [Int32]) -> KafkaCause? {
    unsafe withList(partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) }) { list in
      var outcome = crdk_outcome()
      unsafe crdk_incremental_unassign(client, list, &outcome)
      return cause(outcome.code)
    }
  }

  /// Reads no more of partitions for now.
  public func pause(_ partitions: [Int32]) {
    unsafe withList(partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) }) {
      _ = unsafe crdk_pause(client, $0)
    }
  }

  /// Continues reading them.
  public func resume(_ partitions: [Int32]) {
    unsafe withList(partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) }) {
      _ = unsafe crdk_resume(client, $0)
    }
  }

  /// Continues at this offset.
  public func seek(to place: PartitionOffset, waiting milliseconds: Int32) -> KafkaCause? {
    unsafe withList([place]) { cause(unsafe crdk_seek(client, $0, milliseconds)) }
  }

  /// The group's committed offsets of partitions. An offset that an open transaction will move is waited for.
  ///
  /// - Throws: why it is not known in time.
  public func committed(_ partitions: [Int32], waiting milliseconds: Int32) throws(KafkaCause) -> [PartitionOffset] {
    var offsets: [PartitionOffset] = []
    let problem: KafkaCause? = unsafe withList(
      partitions.map { PartitionOffset(partition: $0, offset: PartitionOffset.none) }
    ) {
      list in
      let error = unsafe crdk_committed(client, list, milliseconds)
      if let cause = cause(error) { return cause }
      for index in unsafe 0..<Int(list.pointee.cnt) {
        let entry = unsafe list.pointee.elems[index]
        if let cause = unsafe cause(entry.err) { return cause }
        let metadata = unsafe entry.metadata.map { text in
          unsafe String(decoding: UnsafeRawBufferPointer(start: text, count: entry.metadata_size), as: UTF8.self)
        }
        unsafe offsets.append(
          PartitionOffset(partition: entry.partition, offset: entry.offset, metadata: metadata ?? ""))
      }
      return nil
    }
    if let problem { throw problem }
    return offsets
  }

  /// Commits offsets without a transaction, and waits for the broker.
  public func commit(_ offsets: [PartitionOffset]) -> KafkaCause? {
    unsafe withList(offsets) { cause(unsafe crdk_commit(client, $0)) }
  }

  /// The first offset of a partition, and the one after its last record.
  ///
  /// - Throws: why they are not known in time.
  public func range(of partition: Int32, waiting milliseconds: Int32) throws(KafkaCause) -> Range<Int64> {
    var (low, high): (Int64, Int64) = (0, 0)
    if let cause = cause(unsafe crdk_watermarks(client, topic, partition, &low, &high, milliseconds)) { throw cause }
    guard low <= high else { throw .withoutAnswer }
    return low..<high
  }

  // MARK: Topics

  /// The broker's description of any topic, asked now. A missing topic is not made.
  public func describe(_ topic: String, waiting milliseconds: Int32) -> TopicDescription {
    guard let handle = unsafe crdk_topic_new(client, topic) else {
      return .refused(
        KafkaCause(code: RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION.rawValue, text: "it is not a topic name"), brokers: 0)
    }
    defer { unsafe crdk_topic_destroy(handle) }
    var topicError = RD_KAFKA_RESP_ERR_NO_ERROR
    var (partitions, brokers): (Int32, Int32) = (0, 0)
    let error = unsafe crdk_metadata(client, handle, milliseconds, &topicError, &partitions, &brokers)
    if let cause = cause(error) { return .unanswered(cause) }
    if let cause = cause(topicError) { return .refused(cause, brokers: Int(brokers)) }
    return .found(partitions: Int(partitions), brokers: Int(brokers))
  }

  /// A setting of a topic.
  ///
  /// - Throws: why it cannot be learned.
  public func setting(
    _ name: String, of topic: String, waiting milliseconds: Int32
  ) throws(KafkaCause) -> String {
    var text = [CChar](repeating: 0, count: Self.textSize)
    if let cause = cause(unsafe crdk_topic_setting(client, topic, name, milliseconds, &text, text.count)) {
      throw cause
    }
    return Self.string(text)
  }

  /// How many partitions of the topic the group has assigned to none of its members; nil if it is not at rest, or no broker
  /// answers in time.
  public func partitionsWithoutOwner(waiting milliseconds: Int32) -> Int? {
    guard case .found(let partitions, _) = describe(topic, waiting: milliseconds) else { return nil }
    let owned = unsafe crdk_owned_partitions(client, group, topic, milliseconds)
    return owned < 0 ? nil : partitions - Int(owned)
  }

  /// The identifier of the cluster; nil if it is not known in time.
  public func clusterID(waiting milliseconds: Int32) -> String? {
    var text = [CChar](repeating: 0, count: Self.textSize)
    return unsafe crdk_cluster_id(client, milliseconds, &text, text.count) ? Self.string(text) : nil
  }

  // MARK: Values of the library

  /// Offsets as the library takes them, for the length of `body`.
  func withList<Result>(
    _ offsets: [PartitionOffset], _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Result
  ) -> Result {
    let list = unsafe crdk_list_new(Int32(offsets.count))
    defer { unsafe crdk_list_destroy(list) }
    for entry in offsets {
      let size = entry.metadata.utf8.count
      unsafe crdk_list_add(list, topic, entry.partition, entry.offset, size == 0 ? nil : entry.metadata, size)
    }
    return unsafe body(list)
  }

  private static func partitions(in list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [Int32] {
    unsafe (0..<Int(list.pointee.cnt)).map { unsafe list.pointee.elems[$0].partition }
  }

  private func cause(_ error: rd_kafka_resp_err_t) -> KafkaCause? {
    error == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : settings.explain(KafkaCause(error))
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
