// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import RunModel

/// The topics that a member writes. Pure.
public struct OutputPlan: Sendable {
  /// One topic that is written.
  public struct Topic: Sendable {
    /// Its name.
    public let name: String
    /// How many partitions it has.
    public let partitions: Int
    /// Bytes that it takes in a record batch.
    public var limit: Int

    /// A topic as the broker described it.
    public init(name: String, partitions: Int, limit: Int) {
      self.name = name
      self.partitions = partitions
      self.limit = limit
    }
  }

  /// Bytes of a record batch that are not the record's.
  static let reserve = 1024
  /// The limit of a topic by default.
  public static let standardLimit = 1_048_588

  /// Partitions of the topic of requests.
  public var inputPartitions = 0
  /// The identifier of the cluster.
  public var clusterID = ""
  /// Nil if results are not wanted.
  public var results: Topic?
  /// Nil if payloads go by the outbox, or nowhere.
  public var insights: Topic?
  /// Nil if requests that failed are only results.
  public var deadLetters: Topic?

  /// No output.
  public init() {}

  /// The topics, with the bytes that each takes in a record batch.
  var limits: [String: Int] {
    Dictionary([results, insights, deadLetters].compactMap(\.self).map { ($0.name, $0.limit) }) { min($0, $1) }
  }

  mutating func take(_ limits: [String: Int]) {
    for (name, limit) in limits {
      if results?.name == name { results?.limit = limit }
      if insights?.name == name { insights?.limit = limit }
      if deadLetters?.name == name { deadLetters?.limit = limit }
    }
  }

  /// Bytes of a result that are kept.
  var captureLimit: Int { max(results?.limit ?? 0, Self.standardLimit) }

  /// Where what concerns a partition of the requests goes: to the same partition if there are as many, so that one
  /// transaction touches few; else by the key.
  func place(in topic: Topic, of partition: Int32) -> OutgoingRecord.Place {
    OutgoingRecord.Place(topic: topic.name, partition: topic.partitions == inputPartitions ? partition : nil)
  }
}
