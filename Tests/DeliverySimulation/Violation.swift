// SPDX-License-Identifier: Apache-2.0
/// A promise that a schedule broke.
public struct Violation: Error, Sendable, Equatable {
  /// Which one.
  public let promise: Promise
  /// By which record or process.
  public let detail: String
}
