// SPDX-License-Identifier: Apache-2.0
/// The payload as a record for Kafka: key, value and headers of docs/contract.md section 7.
public struct InsightsRecord: Sendable, Equatable {
  /// The request's identifier.
  public let key: String
  /// The payload: ASCII JSON without a newline.
  public let value: [UInt8]
  /// Header names and values, in order.
  public var headers: [Header]

  /// One header.
  public struct Header: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: String
    /// A header of a given name and value.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// A record of given parts.
  public init(key: String, value: [UInt8], headers: [Header]) {
    self.key = key
    self.value = value
    self.headers = headers
  }
}
