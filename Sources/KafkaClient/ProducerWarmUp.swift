// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Platform
internal import Synchronization

/// Gets an idempotent producer ready to send before there is a record, on a thread of its own.
///
/// Such a producer needs a number from a broker first. Since librdkafka 2.10 the connection that learned of the brokers
/// is closed as soon as it has, the number is asked for at that very moment, no connection is made, and the next try
/// follows half a second later. But the library also tries whenever metadata arrives: so it is made to arrive once more,
/// when a broker is connected. From process start to acknowledgement: 20 ms instead of 530. Older releases need none of it.
///
/// With ``KafkaProducer`` the only one that holds its pointers; must be stopped before the client is destroyed.
@safe final class ProducerWarmUp: @unchecked Sendable {
  /// How long one request is waited for, and so the most that ``stop()`` takes.
  private static let requestWait: Int32 = 500
  /// A broker that is away for longer has no number to be early for.
  private static let requests = 60

  private let client: OpaquePointer
  private let topic: OpaquePointer
  private let isStopping = Atomic(false)
  private var thread: Thread<Void>?

  init(client: OpaquePointer, topic: OpaquePointer) {
    unsafe self.client = client
    unsafe self.topic = topic
    // Without a thread the first record is late, no more.
    thread = try? Thread.start { self.run() }
  }

  private func run() {
    var answers = 0
    for _ in 0..<Self.requests where answers < 2 && !isStopping.load(ordering: .relaxed) {
      var topicError = RD_KAFKA_RESP_ERR_NO_ERROR
      var partitions: Int32 = 0
      var brokers: Int32 = 0
      let error = unsafe crdk_metadata(client, topic, Self.requestWait, &topicError, &partitions, &brokers)
      if error == RD_KAFKA_RESP_ERR_NO_ERROR { answers += 1 }
    }
  }

  /// Ends the thread and waits for it.
  func stop() {
    isStopping.store(true, ordering: .relaxed)
    thread.take()?.join()
  }
}
