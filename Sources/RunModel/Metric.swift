// SPDX-License-Identifier: Apache-2.0
/// One inference metric as the algorithm reported it.
public struct Metric: Sendable, Equatable {
  /// Its name, decoded.
  public let name: String
  /// Its number as it was written: `0.10` stays `0.10`.
  public let number: String

  /// A metric of a given name and number.
  public init(name: String, number: String) {
    self.name = name
    self.number = number
  }
}
