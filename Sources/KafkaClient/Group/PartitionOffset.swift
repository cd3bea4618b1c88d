// SPDX-License-Identifier: Apache-2.0
/// An offset of a partition, as a group commits it: the next one to read, and a text of our own beside it.
public struct PartitionOffset: Sendable, Equatable {
  /// The beginning of the partition.
  public static let beginning: Int64 = -2
  /// Its end.
  public static let end: Int64 = -1
  /// No offset: the group has committed nothing.
  public static let none: Int64 = -1001

  /// The partition.
  public let partition: Int32
  /// The next one to read.
  public var offset: Int64
  /// The metadata beside it; empty for none.
  public var metadata: String

  /// An offset of given parts.
  public init(partition: Int32, offset: Int64, metadata: String = "") {
    self.partition = partition
    self.offset = offset
    self.metadata = metadata
  }
}
