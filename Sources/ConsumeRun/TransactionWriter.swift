// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform

/// Writes records and offsets together, by one producer after the other. For the thread of a member.
///
/// After any failure a new producer of the same name takes over. Once it is initialized the transaction of its predecessor
/// has ended one way or the other, and brokers refuse what is still on its way from there; then the offsets of the group
/// show which way it was. Nothing is concluded from an error.
final class TransactionWriter {
  /// The result of a write.
  enum Result {
    case written
    /// Nothing was written: it may be sent again.
    case aborted(KafkaCause)
    /// Another producer has this name, or a broker ended the transaction for its age. Answered by
    /// ``renew(because:_:of:)`` unless this member has lost its name.
    case fenced(KafkaCause)
    case ended(MemberEnd)
  }

  /// Producers that may fail one after the other.
  private static let mostFailures = 5

  /// Shows how long a call of the producer lasts.
  let watch = CallWatch()

  private let connection: ProducerSettings
  private let group: GroupSettings
  private let topics: [String]
  /// Reports what is not the end.
  private let report: (MemberEvent) -> Void
  private var producer: GroupProducer?
  private var limits: [String: Int]
  private var batchSize: Int
  private var replyTopics = ReplyTopics()
  private var failures = 0

  /// - Parameter limits: topics that are written, with the bytes that a record batch of each may have.
  init(
    _ connection: ProducerSettings, _ group: GroupSettings, limits: [String: Int],
    report: @escaping (MemberEvent) -> Void
  ) {
    self.connection = connection
    self.group = group
    self.limits = limits
    self.report = report
    topics = limits.keys.sorted()
    batchSize = Self.batchSize(limits)
  }

  /// Bytes of the largest record batch that every topic takes, with a reserve for its header.
  private static func batchSize(_ limits: [String: Int]) -> Int {
    max(1024, min(1_000_000, (limits.values.min() ?? 1_000_000) - 1024))
  }

  /// Makes the first producer, and finds out whether it may write.
  ///
  /// - Returns: why it cannot work; nil if it can.
  func start() -> MemberEnd? {
    do throws(KafkaError) {
      producer = try GroupProducer(connection, group, batchSize: batchSize, watch: watch)
    } catch {
      return .cannotStart(stage: "settings", "\(error)")
    }
    switch producer?.initialize() {
    case .committed, nil: break
    case .aborted(let cause, _), .fatal(let cause), .fenced(let cause), .unfinished(let cause):
      return .cannotStart(stage: "transactions", cause.text)
    }
    return producer?.probe(topics).map { .cannotStart(stage: "produce", "topic \($0.topic): \($0.problem)") }
  }

  /// Writes all of it or nothing, and nothing if `consumer` is not `member` of its group any more.
  func write(
    _ records: [OutgoingRecord], _ offsets: [PartitionOffset], of consumer: GroupConsumer, as member: String
  ) -> Result {
    let placed = replyTopics.place(records, asking: consumer)
    switch producer?.write(placed, offsets, of: consumer, as: member) ?? .committed {
    case .committed:
      failures = 0
      return .written
    case .aborted(let cause, let refused):
      replyTopics.refuse(refused)
      if cause.meaning == .batchRefused { renewLimits(asking: consumer) }
      return renew(because: cause, offsets, of: consumer)
    case .fenced(let cause): return .fenced(cause)
    case .unfinished(let cause): return renew(because: cause, offsets, of: consumer)
    case .fatal(let cause):
      failures += 1
      return failures < Self.mostFailures ? renew(because: cause, offsets, of: consumer) : .ended(.fatal(cause))
    }
  }

  /// Whether another process has this producer's name. It takes that before it joins the group.
  var hasLostName: Bool {
    guard group.transactionalID != nil, let producer, let topic = topics.first else { return true }
    return producer.hasLostName(trying: topic)
  }

  /// Ends the transaction by a new producer, and finds out whether it was committed.
  func renew(because cause: KafkaCause, _ offsets: [PartitionOffset], of consumer: GroupConsumer) -> Result {
    if let end = renewProducer() { return .ended(end) }
    while true {
      do throws(KafkaCause) {
        // Each of them differs from the one before.
        let found = try consumer.committed(offsets.map(\.partition), waiting: 10_000)
        return !offsets.isEmpty && offsets.allSatisfy(found.contains) ? .written : .aborted(cause)
      } catch {
        // It will not learn that any more.
        if let fatal = consumer.fatal { return fenced(fatal) }
        report(.trouble(error))
        Thread<Void>.pause(.milliseconds(500))
      }
    }
  }

  /// The consumer is finished. The next assignment of its partitions shows their committed offsets.
  private func fenced(_ cause: KafkaCause) -> Result {
    guard cause.isFencing else { return .ended(.fatal(cause)) }
    return hasLostName ? .ended(.fenced(cause)) : .aborted(cause)
  }

  /// A topic takes less than before: asks how much. The next producer makes smaller batches.
  private func renewLimits(asking consumer: GroupConsumer) {
    for topic in topics {
      let limit = consumer.setting("max.message.bytes", of: topic, waiting: 5000).flatMap { Int($0) }
      limits[topic] = limit ?? limits[topic]
    }
    report(.limits(limits))
    batchSize = min(batchSize, Self.batchSize(limits))
  }

  /// Waits for brokers as long as they are away: by one producer after the other, because one may hang for ever.
  private func renewProducer() -> MemberEnd? {
    while true {
      producer?.closeInBackground()
      do throws(KafkaError) {
        producer = try GroupProducer(connection, group, batchSize: batchSize, watch: watch)
      } catch {
        return .cannotStart(stage: "settings", "\(error)")
      }
      switch producer?.initialize() {
      case .committed, nil: return nil
      case .unfinished(let cause): report(.trouble(cause))
      case .aborted(let cause, _), .fatal(let cause): return .fatal(cause)
      case .fenced(let cause): return .fenced(cause)
      }
    }
  }
}
