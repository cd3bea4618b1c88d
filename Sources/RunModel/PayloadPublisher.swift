// SPDX-License-Identifier: Apache-2.0
/// Who takes finished payloads. The edge between a run and its delivery: a run knows no broker, a broker no process.
public protocol PayloadPublisher: AnyObject {
  /// A child is running whose payload will be published: connect now, so that the wait afterwards is short.
  func prepare()
  /// Takes one payload of a version with Insights enabled. Never throws: whatever happens is a ``Delivery``.
  ///
  /// - Parameter stored: called once, with what became of it before any wait for an acknowledgement.
  func publish(_ record: InsightsRecord, stored: (Delivery) -> Void) -> Delivery
}
