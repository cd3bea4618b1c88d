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
