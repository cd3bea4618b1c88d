// SPDX-License-Identifier: Apache-2.0

/// A member of a consumer group: which group, which topic, and how its two clients are set up. Pure.
public struct GroupSettings: Sendable {
  /// The topic of the requests.
  public var topic: String
  /// The name of the group.
  public var group: String
  /// The name of a static member; nil for a dynamic one.
  public var instance: String?
  /// The producer's name, under which a restart ends the transaction of its predecessor; nil without transactions.
  public var transactionalID: String?
  /// Whether a partition whose committed offset is not there any more is read from its beginning.
  public var acceptsLoss = false
  /// Whether records and offsets of open transactions are read. Only for tests: it gives exactly-once away.
  public var readsUncommitted = false

  /// A dynamic member.
  public init(topic: String, group: String) {
    self.topic = topic
    self.group = group
  }

  /// Milliseconds after which a transaction is aborted if its producer is gone.
  static let transactionTimeout = 10_000

  // Both clients look for a broker that is back after 2 s at most, as in ``ProducerSettings/base(window:traffic:)``.

  /// Properties of the consumer, over those of the connection.
  func consumer(_ connection: ProducerSettings) -> ProducerSettings {
    typealias Property = ProducerSettings.Property
    var properties = [
      // The broker's least is 6 s. Heartbeats come from a thread of the library, whatever the algorithm does.
      Property(name: "session.timeout.ms", value: "10000"),
      Property(name: "heartbeat.interval.ms", value: "3000"),
      Property(name: "max.poll.interval.ms", value: "300000"),
      Property(name: "fetch.wait.max.ms", value: "50"),
      Property(name: "queued.max.messages.kbytes", value: "16384"),
      // A queue that was full is filled again immediately, not after a second. Releases before 2.2 do not know it.
      Property(name: "fetch.queue.backoff.ms", value: "10", isOptional: true),
    ]
    properties += connection.properties
    properties += [
      Property(name: "group.id", value: group),
      Property(name: "partition.assignment.strategy", value: "cooperative-sticky"),
      Property(name: "enable.auto.commit", value: "false"),
      Property(name: "enable.auto.offset.store", value: "false"),
      // Also has offsets wait for the transactions that will move them: without it a new owner begins too early.
      Property(name: "isolation.level", value: readsUncommitted ? "read_uncommitted" : "read_committed"),
      Property(name: "auto.offset.reset", value: acceptsLoss ? "earliest" : "error"),
      Property(name: "enable.partition.eof", value: "true"),
      Property(name: "allow.auto.create.topics", value: "false"),
    ]
    if let instance { properties.append(Property(name: "group.instance.id", value: instance)) }
    return connection.with(properties)
  }

  /// Properties of the producer, over those of the connection.
  ///
  /// - Parameter batchSize: bytes of the largest record batch.
  func producer(_ connection: ProducerSettings, batchSize: Int) -> ProducerSettings {
    typealias Property = ProducerSettings.Property
    var properties =
      connection.properties + [
        Property(name: "delivery.report.only.error", value: "true"),
        Property(name: "message.timeout.ms", value: "\(Self.transactionTimeout)"),
        // Records are judged one by one by the topic's own limit.
        Property(name: "message.max.bytes", value: "1000000000"),
        Property(name: "batch.size", value: "\(batchSize)"),
        // Records are sent when all of a transaction are there, see ``BatchRoom``.
        Property(name: "linger.ms", value: "1000"),
        Property(name: "queue.buffering.max.kbytes", value: "262144"),
        Property(name: "allow.auto.create.topics", value: "false", isOptional: true),
      ]
    if let transactionalID {
      properties += [
        Property(name: "transactional.id", value: transactionalID),
        Property(name: "transaction.timeout.ms", value: "\(Self.transactionTimeout)"),
        Property(name: "enable.idempotence", value: "true"),
        // After a commit the next transaction is refused for a moment, and tried again after this time; by default 100.
        Property(name: "retry.backoff.ms", value: "5"),
      ]
    }
    return connection.with(properties)
  }
}
