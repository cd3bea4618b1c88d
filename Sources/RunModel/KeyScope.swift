// SPDX-License-Identifier: Apache-2.0
/// The rights of an API key. A larger scope includes the smaller ones.
public enum KeyScope: String, Sendable, CaseIterable, Comparable {
  /// Calls, executions, and reading versions.
  case call
  /// Also publishing versions and switching Insights.
  case publish
  /// Also the connection, the outbox and the keys.
  case admin

  /// The scope that includes fewer rights is the smaller.
  public static func < (left: KeyScope, right: KeyScope) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .call: 0
    case .publish: 1
    case .admin: 2
    }
  }
}
