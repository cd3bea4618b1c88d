// SPDX-License-Identifier: Apache-2.0
/// The input of an execution, for pairing it with that of another version.
struct InputKey: Hashable, Comparable, Sendable {
  let high, low: UInt64
  /// Which of several equal inputs of a request list it was, counted from 1.
  let occurrence: Int32
  /// Microseconds; orders executions that have all else in common.
  let startedAt: Int64

  /// Whether both were given the same bytes.
  func hasSameInput(as other: InputKey) -> Bool { high == other.high && low == other.low }

  /// Whether both belong together, their order by time aside.
  func matches(_ other: InputKey) -> Bool { hasSameInput(as: other) && occurrence == other.occurrence }

  func precedes(_ other: InputKey) -> Bool {
    (high, low, occurrence) < (other.high, other.low, other.occurrence)
  }

  /// Equal inputs are adjacent, in the order of their list and of time.
  static func < (left: InputKey, right: InputKey) -> Bool {
    (left.high, left.low, left.occurrence, left.startedAt) < (right.high, right.low, right.occurrence, right.startedAt)
  }
}
