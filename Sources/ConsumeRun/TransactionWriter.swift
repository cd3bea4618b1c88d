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

  /// How long one producer after the other is tried, at most: each twice as long as the one before it, since the first
  /// answers of a slow broker may take longer than those of one that hangs.
  private static let longestPatience = Duration.seconds(120)
  private static let producerPause = Duration.milliseconds(500)
  /// Milliseconds for a broker to say who leads a topic.
  private static let leaderWait: Int32 = 20_000
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

  /// Makes the first producer, and finds out whether it may write. Waits for brokers as long as they do not answer.
  ///
  /// - Returns: why it cannot work; nil if it can.
  func start() -> MemberEnd? {
    var patience = GroupProducer.callLimit
    while true {
      let first: GroupProducer
      do throws(KafkaError) {
        first = try GroupProducer(connection, group, batchSize: batchSize, watch: watch)
      } catch {
        return .cannotStart(stage: "settings", "\(error)")
      }
      producer = first
      switch first.initialize(within: patience) {
      case .committed:
        switch probe(first) {
        case .writable: return nil
        case .ended(let end): return end
        case .unanswered(let topic, let cause): report(.waiting(stage: "produce", "topic \(topic): \(cause.text)"))
        }
      case .fenced(let cause): return .fenced(cause)
      case .aborted(let cause, _), .fatal(let cause), .unfinished(let cause):
        if cause.isRefusal { return .cannotStart(stage: "transactions", cause.text + remedy(cause)) }
        report(.waiting(stage: "transactions", cause.text))
      }
      first.closeInBackground()
      patience = min(patience * 2, Self.longestPatience)
      Thread<Void>.pause(Self.producerPause)
    }
  }

  private enum Writability {
    case writable
    case ended(MemberEnd)
    case unanswered(topic: String, KafkaCause)
  }

  /// Whether every topic may be written.
  private func probe(_ producer: GroupProducer) -> Writability {
    for topic in topics {
      switch producer.probe(topic, waiting: Self.leaderWait) {
      case .taken: continue
      case .refused(let cause):
        let remedy = cause.isUnauthorized ? "; allow this user Write on it" : ""
        return .ended(.cannotStart(stage: "produce", "topic \(topic): \(cause.text)\(remedy)"))
      case .fenced(let cause): return .ended(.fenced(cause))
      case .unanswered(let cause): return .unanswered(topic: topic, cause)
      }
    }
    return .writable
  }

  /// The remedy for brokers that refuse transactions.
  private func remedy(_ cause: KafkaCause) -> String {
    if cause.isUnauthorized { return "; allow this user Write on the TransactionalId \(group.transactionalID ?? "")" }
    if cause.isUnsupported { return "; without transactions pass --delivery at-least-once" }
    guard cause.isTransactionTimeout else { return "" }
    return "; transactions take up to 10 s: raise the brokers' transaction.max.timeout.ms"
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
      let limit = try? consumer.setting("max.message.bytes", of: topic, waiting: 5000)
      limits[topic] = limit.flatMap { Int($0) } ?? limits[topic]
    }
    report(.limits(limits))
    batchSize = min(batchSize, Self.batchSize(limits))
  }

  /// Waits for brokers as long as they are away: by one producer after the other, because one may hang for ever.
  private func renewProducer() -> MemberEnd? {
    var patience = GroupProducer.callLimit
    while true {
      producer?.closeInBackground()
      do throws(KafkaError) {
        producer = try GroupProducer(connection, group, batchSize: batchSize, watch: watch)
      } catch {
        return .cannotStart(stage: "settings", "\(error)")
      }
      switch producer?.initialize(within: patience) {
      case .committed, nil: return nil
      case .unfinished(let cause):
        report(.trouble(cause))
        patience = min(patience * 2, Self.longestPatience)
      case .aborted(let cause, _), .fatal(let cause): return .fatal(cause)
      case .fenced(let cause): return .fenced(cause)
      }
    }
  }
}
