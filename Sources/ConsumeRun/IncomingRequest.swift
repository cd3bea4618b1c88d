// SPDX-License-Identifier: Apache-2.0
internal import Execution
internal import KafkaClient
internal import RequestDispatch
internal import RunModel

/// One request from its delivery to the commit of its result.
final class IncomingRequest {
  let message: ConsumedMessage
  let id: String
  var partition: PartitionWork
  let capture: ResultCapture
  /// Nil unless requests of one key run one after the other.
  let orderKey: [UInt8]?
  /// The journal's entry from processes that died.
  let history: InFlightJournal.Past
  /// Its record in the journal while it runs.
  var journalIndex: Int?
  var job: JobID?
  /// Whether its partition went to another member: it gets no result here.
  var isAbandoned = false

  init(
    _ message: ConsumedMessage, id: String, partition: PartitionWork, captureLimit: Int, orderKey: [UInt8]?,
    history: InFlightJournal.Past
  ) {
    self.message = message
    self.id = id
    self.partition = partition
    capture = ResultCapture(limit: captureLimit)
    self.orderKey = orderKey
    self.history = history
  }

  /// The same request, as if it came now.
  func again() -> IncomingRequest {
    IncomingRequest(
      message, id: id, partition: partition, captureLimit: capture.limit, orderKey: orderKey, history: history)
  }

  var inputSHA256: String { (message.value ?? []).withUnsafeBytes { SHA256.digest(of: $0).hexadecimal } }
  var offset: Int64 { message.offset }
  var trace: TraceContext? { message.text("traceparent").flatMap { TraceContext(parsing: $0) } }
  var source: String { partition.sourcePrefix + String(offset) }
}
