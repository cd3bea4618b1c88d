// SPDX-License-Identifier: Apache-2.0
/// A column: an algorithm's metric, or a figure of the supervisor. A metric may be called like a figure.
public enum ColumnName: Hashable, Sendable {
  case metric(String)
  /// A place in ``ExecutionColumns/supervisorFigures``.
  case supervisor(Int)
}
