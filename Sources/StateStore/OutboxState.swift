// SPDX-License-Identifier: Apache-2.0
/// The state of a record of the outbox. The raw values are stored.
public enum OutboxState: Int64, Sendable, CaseIterable {
  /// Delivery, within its window.
  case pending = 0
  /// Its window ended; kept for `outbox retry`.
  case expired = 1
  /// The broker can never accept it as it is.
  case rejected = 2
  /// It does not read as it was written; set aside.
  case corrupt = 3

  /// The word that listings show.
  public var name: String { "\(self)" }

  /// The state of a word that listings show; nil for others.
  public init?(name: String) {
    guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = state
  }
}
