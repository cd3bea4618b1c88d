// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// An attempt that brought no acknowledgement.
public struct FailedAttempt: Sendable, Equatable {
  /// The consequence for the record.
  public enum Consequence: Sendable, Equatable {
    /// It is attempted again, at this moment or later.
    case retry(at: Timestamp)
    /// Its window is over.
    case expire
    /// The broker can never accept it.
    case reject
  }

  /// The record.
  public var id: Int64
  /// The consequence.
  public var consequence: Consequence
  /// The error text of the broker or of the library.
  public var error: String
  /// Whether the record may nevertheless be in the broker's log.
  public var possiblyPersisted: Bool

  /// Prefix of ``error`` if the broker denied the record: one that still is denied when its window ends was
  /// rejected, not late. Stored, because the deliverer that saw the error may not live to the end.
  public static let denial = "not authorised: "

  /// An attempt of a record that failed for a reason.
  public init(id: Int64, _ consequence: Consequence, error: String, possiblyPersisted: Bool = false) {
    self.id = id
    self.consequence = consequence
    self.error = error
    self.possiblyPersisted = possiblyPersisted
  }
}
