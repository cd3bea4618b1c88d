// SPDX-License-Identifier: Apache-2.0
/// How written results can be lost.
public enum OutputLoss: Sendable {
  /// The file has no name any more.
  case deleted
  /// Its path names another file, or none.
  case replaced
  /// It is shorter than the results.
  case truncated
}
