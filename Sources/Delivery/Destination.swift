// SPDX-License-Identifier: Apache-2.0
package import KafkaClient
package import RunModel

/// Where records go: a Kafka topic or a file. Belongs to the thread of its ``DeliveryWorker``. Never waits.
///
/// Each record that ``send(_:_:)`` took comes back in exactly one event of ``poll()`` or ``reclaim()``, by the number it
/// was sent with.
package protocol Destination: AnyObject {
  /// Records that it takes now; 0 while it takes none.
  var capacity: Int { get }
  /// Why it takes none; nil while it works.
  var problem: DestinationProblem? { get }
  /// Whether the next poll reports every record sent. Then a record need not be stored before it is sent.
  var answersAtOnce: Bool { get }
  /// Hands over a record. One that is refused is not reported.
  func send(_ id: Int64, _ record: InsightsRecord) -> Handover
  /// The events since the last call.
  func poll() -> [ProducerEvent]
  /// Takes back all records that are not reported yet. Takes no more before ``reopen(quarterings:)``.
  func reclaim() -> [ProducerEvent]
  /// Begins anew after ``reclaim()``, with record batches whose size is quartered so often.
  func reopen(quarterings: Int)
}
