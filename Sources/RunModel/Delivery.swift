// SPDX-License-Identifier: Apache-2.0
/// The outcome of a payload, as `--report` and batch results show it.
public struct Delivery: Sendable, Equatable {
  /// The raw values are stable.
  public enum State: String, Sendable, CaseIterable {
    /// The version has Insights off, or there is no version: nothing left the machine.
    case insightsOff = "insights_off"
    /// Appended to the file.
    case written
    /// Acknowledged by the broker.
    case delivered
    /// Safe in the outbox, to be delivered later.
    case queued
    /// The broker will never take it; `detail` has the reason.
    case rejected
    /// Its delivery window ended.
    case expired
  }

  /// Its state.
  public let state: State
  /// More to know, in words.
  public let detail: String?

  /// A state, and more to know about it.
  public init(_ state: State, detail: String? = nil) {
    self.state = state
    self.detail = detail
  }
}

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

/// Who takes finished payloads. The edge between a run and its delivery: a run knows no broker, a broker no process.
public protocol PayloadPublisher: AnyObject {
  /// A child is running whose payload will be published: connect now, so that the wait afterwards is short.
  func prepare()
  /// Takes one payload of a version with Insights enabled. Never throws: whatever happens is a ``Delivery``.
  ///
  /// - Parameter stored: called once, with what became of it before any wait for an acknowledgement.
  func publish(_ record: InsightsRecord, stored: (Delivery) -> Void) -> Delivery
}

extension PayloadPublisher {
  /// Takes one payload of a version with Insights enabled.
  public func publish(_ record: InsightsRecord) -> Delivery { publish(record) { _ in } }
}

/// Takes the record of each execution that ended: the history of a home.
public protocol ExecutionLog: AnyObject {
  /// Takes one record. Never throws and never waits.
  ///
  /// - Parameter inputSHA256: the hash of the input in hexadecimal; nil if it is unknown.
  func append(_ record: ExecutionRecord, inputSHA256: String?)
  /// Takes one record, which may be written by the next ``flush()`` only.
  func gather(_ record: ExecutionRecord, inputSHA256: String?)
  /// Writes what was gathered.
  func flush()
}
