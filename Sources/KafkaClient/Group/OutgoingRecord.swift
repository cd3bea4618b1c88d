// SPDX-License-Identifier: Apache-2.0
/// One record to produce.
public struct OutgoingRecord: Sendable {
  /// The topic that it goes to.
  public var topic: String
  /// The partition; nil for the one of its key, as Java clients choose it.
  public var partition: Int32?
  /// Nil for none, which differs from an empty one.
  public var key: [UInt8]?
  /// Nil for none, which differs from an empty one.
  public var value: [UInt8]?
  /// In order.
  public var headers = RecordHeaders()
  /// Milliseconds since 1970; 0 for the present.
  public var timestamp: Int64 = 0
  /// Where it goes if `topic` is not there, or may not be written.
  public var fallback: Place?

  /// A topic, and one of its partitions or the one of the key.
  public struct Place: Sendable, Equatable {
    /// The topic.
    public let topic: String
    /// Nil for the partition of the key.
    public let partition: Int32?

    /// A place of given parts.
    public init(topic: String, partition: Int32?) {
      self.topic = topic
      self.partition = partition
    }
  }

  /// A record of a key and a value.
  public init(to place: Place, key: [UInt8]?, value: [UInt8]?) {
    topic = place.topic
    partition = place.partition
    self.key = key
    self.value = value
  }

  /// Bytes that it takes in a record batch, at most.
  public var size: Int { (key?.count ?? 0) + (value?.count ?? 0) + headers.size + 64 }
}
