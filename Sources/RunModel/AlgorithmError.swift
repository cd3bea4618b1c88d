// SPDX-License-Identifier: Apache-2.0
/// The error of `apply`.
public struct AlgorithmError: Sendable, Equatable {
  /// The name of its class.
  public let type: String
  /// Its message.
  public let message: String

  /// An error of the given class and message.
  public init(type: String, message: String) {
    self.type = type
    self.message = message
  }
}
