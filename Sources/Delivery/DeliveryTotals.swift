// SPDX-License-Identifier: Apache-2.0
/// The outcomes of all records that a deliverer handled.
public struct DeliveryTotals: Sendable, Equatable {
  /// Acknowledged, or appended to the file.
  public var delivered = 0
  /// Given up at the end of their window, and kept.
  public var expired = 0
  /// Given up at the end of their window, and gone.
  public var dropped = 0
  /// Never to be taken by the broker.
  public var rejected = 0
  /// Expired or rejected, now or earlier, and removed because of the retention.
  public var removed = 0
  /// Still pending at the end, those that another process delivers not counted.
  public var waiting = 0
  /// Pending, and in the hands of another process.
  public var elsewhere = 0

  /// Whether nothing is left to do and nothing was lost.
  public var isComplete: Bool { expired == 0 && dropped == 0 && rejected == 0 && waiting == 0 && elsewhere == 0 }
}
