// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Platform
internal import RunModel

/// Reads a topic from its beginning to its end, without a consumer group: nothing is committed, and no other consumer
/// notices. For one thread, once.
@safe public final class TopicReader {
  private static let textSize = 512
  /// Longest silence of a broker.
  private static let answerWait: Int32 = 10_000

  private let client: OpaquePointer
  private let topic: OpaquePointer
  private let settings: ProducerSettings

  /// Makes a reader that connects in the background.
  ///
  /// - Throws: ``KafkaError`` for settings that the library refuses.
  public init(_ settings: ProducerSettings) throws(KafkaError) {
    try KafkaLibrary.load()
    self.settings = settings
    let configuration = unsafe crdk_conf_new()
    var text = [CChar](repeating: 0, count: Self.textSize)
    // Only properties that a consumer has, too: the library refuses no property of producers, and ignores it.
    for property in settings.properties + [.init(name: "enable.partition.eof", value: "true")]
    where unsafe crdk_conf_set(configuration, property.name, property.value, &text, text.count) != RD_KAFKA_CONF_OK {
      unsafe crdk_conf_destroy(configuration)
      throw .propertyRefused(name: property.name, reason: settings.redact(Self.string(text)))
    }
    unsafe crdk_conf_set_events(configuration, RD_KAFKA_EVENT_ERROR)
    unsafe crdk_conf_silence(configuration)
    guard let client = unsafe crdk_new_consumer(configuration, &text, text.count) else {
      unsafe crdk_conf_destroy(configuration)
      throw .settingsRefused(reason: settings.redact(Self.string(text)))
    }
    guard let topic = unsafe crdk_topic_new(client, settings.topic) else {
      unsafe crdk_destroy(client)
      throw .settingsRefused(reason: "\"\(TerminalText.escaped(settings.topic))\" is not a topic's name")
    }
    unsafe self.client = client
    unsafe self.topic = topic
  }

  deinit {
    unsafe crdk_topic_destroy(topic)
    unsafe crdk_destroy(client)
  }

  /// Calls `body` with the value of each record. Each partition is read until its end is reached once: what is produced
  /// in the meantime may be read or not.
  ///
  /// - Returns: why the end could not be reached; nil if it was.
  public func readToEnd(_ body: ([UInt8]) -> Void) -> KafkaCause? {
    var topicError = RD_KAFKA_RESP_ERR_NO_ERROR
    var (partitions, brokers): (Int32, Int32) = (0, 0)
    let error = unsafe crdk_metadata(client, topic, Self.answerWait, &topicError, &partitions, &brokers)
    guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return trouble() ?? KafkaCause(error) }
    guard topicError == RD_KAFKA_RESP_ERR_NO_ERROR else { return KafkaCause(topicError) }
    let queue = unsafe crdk_queue_new(client)
    defer { unsafe crdk_queue_destroy(queue) }
    var open = Set(0..<partitions)
    defer { for partition in 0..<partitions { unsafe crdk_consume_stop(topic, partition) } }
    for partition in open {
      let error = unsafe crdk_consume_start(topic, partition, queue)
      guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return KafkaCause(error) }
    }
    while !open.isEmpty {
      guard let message = unsafe crdk_consume_queue(queue, Self.answerWait) else { return trouble() ?? .withoutAnswer }
      defer { unsafe crdk_message_destroy(message) }
      let partition = unsafe message.pointee.partition
      switch unsafe message.pointee.err {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        guard open.contains(partition) else { continue }
        body(unsafe [UInt8](UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len)))
      case RD_KAFKA_RESP_ERR__PARTITION_EOF: open.remove(partition)
      case let error: return settings.explain(KafkaCause(error))
      }
    }
    return nil
  }

  /// The library's last report on the connection.
  private func trouble() -> KafkaCause? {
    let queue = unsafe crdk_queue_get_main(client)
    defer { unsafe crdk_queue_destroy(queue) }
    var trouble: KafkaCause?
    while let event = unsafe crdk_queue_poll(queue, 0) {
      if unsafe crdk_event_type(event) == RD_KAFKA_EVENT_ERROR {
        let words = unsafe crdk_event_error_string(event).map { unsafe String(cString: $0) } ?? ""
        let code = unsafe crdk_event_error(event).rawValue
        let cause = settings.explain(KafkaCause(code: code, text: settings.redact(KafkaCause.essence(of: words))))
        if trouble == nil || !cause.isSummary { trouble = cause }
      }
      unsafe crdk_event_destroy(event)
    }
    return trouble
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
