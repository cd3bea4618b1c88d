// SPDX-License-Identifier: Apache-2.0
/// Which records an operator means.
public struct OutboxSelection: Sendable, Equatable {
  /// Records in one of these states …
  public var states: [OutboxState]
  /// … and, if given, of these numbers.
  public var ids: [Int64]?

  /// A selection by state and number.
  public init(states: [OutboxState], ids: [Int64]? = nil) {
    self.states = states
    self.ids = ids
  }

  /// All that were given up.
  public static let terminal = OutboxSelection(states: [.expired, .rejected, .corrupt])
}
