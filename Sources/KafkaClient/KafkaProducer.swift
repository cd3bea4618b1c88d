// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Glibc
public import Platform
public import RunModel

/// One librdkafka producer: the only file that holds an `rd_kafka_t`. For one thread at a time.
///
/// Records go in with a number and come back by it, each exactly once: acknowledged, failed, or handed back by
/// ``abandon()``.
///
/// `@unchecked Sendable` because a thread that starts may be given it; the handle itself is safe to use from any.
@safe public final class KafkaProducer: @unchecked Sendable {
  /// Room for librdkafka's error texts, as its own examples have it.
  private static let textSize = 512
  /// Events taken in one poll; each may report thousands of records.
  private static let eventsAtOnce = 64

  private let client: OpaquePointer
  private let topic: OpaquePointer
  private let queue: OpaquePointer
  private let warmUp: ProducerWarmUp?
  private let settings: ProducerSettings
  private let certificates: Unmanaged<CertificateWatch>?
  /// The last thing that was wrong with the connection, until a record is acknowledged. Nothing the library reports of
  /// a connection is final, so this is the cause to report for a record that waits.
  private(set) var lastTrouble: KafkaCause?

  /// Makes a producer that connects in the background; this takes milliseconds and waits for no broker.
  ///
  /// - Throws: ``KafkaError`` for settings that the library refuses.
  public convenience init(_ settings: ProducerSettings) throws(KafkaError) {
    try self.init(settings, warmsUp: true, certificates: nil)
  }

  /// - Parameters:
  ///   - warmsUp: gets it ready to send, see ``ProducerWarmUp``; not wanted if nothing is to be sent.
  ///   - certificates: is given the certificates of brokers.
  init(_ settings: ProducerSettings, warmsUp: Bool, certificates: CertificateWatch?) throws(KafkaError) {
    try KafkaLibrary.load()
    self.settings = settings
    let configuration = unsafe crdk_conf_new()
    var text = [CChar](repeating: 0, count: Self.textSize)
    for property in settings.properties
    where unsafe crdk_conf_set(configuration, property.name, property.value, &text, text.count) != RD_KAFKA_CONF_OK {
      unsafe crdk_conf_destroy(configuration)
      throw .propertyRefused(name: property.name, reason: settings.redact(Self.string(text)))
    }
    unsafe crdk_conf_set_events(configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR)
    unsafe crdk_conf_silence(configuration)
    unsafe self.certificates = certificates?.retain(in: configuration)
    guard let client = unsafe crdk_new_producer(configuration, &text, text.count) else {
      // The library takes the configuration over only if it succeeds.
      unsafe crdk_conf_destroy(configuration)
      unsafe self.certificates?.release()
      throw .settingsRefused(reason: settings.redact(Self.string(text)))
    }
    // Naming the topic makes the library ask for its leader as soon as a broker answers, before there is a record.
    guard let topic = unsafe crdk_topic_new(client, settings.topic) else {
      unsafe crdk_destroy(client)
      unsafe self.certificates?.release()
      throw .settingsRefused(reason: "\"\(TerminalText.escaped(settings.topic))\" is not a topic's name")
    }
    unsafe self.client = client
    unsafe self.topic = topic
    unsafe queue = crdk_queue_get_main(client)
    warmUp = unsafe warmsUp && KafkaLibrary.needsWarmUp ? ProducerWarmUp(client: client, topic: topic) : nil
  }

  /// Whether a broker has answered since the producer was made. Never waits.
  public var hasBrokerAnswered: Bool { unsafe crdk_has_metadata(client) }

  /// Records handed over and not yet reported.
  var recordsInside: Int { unsafe Int(crdk_outq_len(client)) }

  /// Takes one record, which will be reported by `number`.
  ///
  /// - Returns: whether it was taken; one that was not will not be reported.
  public func produce(_ number: Int64, key: String, value: [UInt8], headers: [InsightsRecord.Header]) -> Handover {
    var key = key
    // One buffer for all header texts, each with its zero: the C side needs them at the same time.
    var texts: [CChar] = []
    var offsets: [(name: Int, value: Int, size: Int)] = []
    for header in headers {
      let name = texts.count
      texts.append(contentsOf: header.name.utf8CString)
      let value = texts.count
      texts.append(contentsOf: header.value.utf8CString)
      offsets.append((name, value, texts.count - value - 1))
    }
    let error = unsafe texts.withUnsafeBufferPointer { texts in
      var parts: [crdk_header] = unsafe []
      if let base = texts.baseAddress {
        unsafe parts = offsets.map {
          unsafe crdk_header(name: base + $0.name, value: base + $0.value, value_size: $0.size)
        }
      }
      return key.withUTF8 { key in
        unsafe value.withUnsafeBytes { value in
          // An empty key or value has no address of its own, and librdkafka takes NULL for "none".
          let nothing: StaticString = ""
          return unsafe crdk_produce(
            client, topic, key.baseAddress ?? nothing.utf8Start, key.count,
            value.baseAddress ?? .init(nothing.utf8Start), value.count, parts, parts.count, Int(number))
        }
      }
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? .taken : .refused(fatalCause() ?? KafkaCause(error))
  }

  /// The events since the last call; waits at most that many milliseconds for the first event.
  public func poll(waiting milliseconds: Int32 = 0) -> [ProducerEvent] {
    var events: [ProducerEvent] = []
    var wait = milliseconds
    for _ in 0..<Self.eventsAtOnce {
      guard let event = unsafe crdk_queue_poll(queue, wait) else { break }
      wait = 0
      switch unsafe crdk_event_type(event) {
      case RD_KAFKA_EVENT_DR: unsafe takeReports(event, into: &events)
      case RD_KAFKA_EVENT_ERROR: unsafe takeError(event, into: &events)
      default: break
      }
      unsafe crdk_event_destroy(event)
    }
    return events
  }

  private func takeReports(_ event: OpaquePointer, into events: inout [ProducerEvent]) {
    while let message = unsafe crdk_event_message_next(event) {
      let number = unsafe Int64(Int(bitPattern: message.pointee._private))
      let error = unsafe message.pointee.err
      if error == RD_KAFKA_RESP_ERR_NO_ERROR {
        lastTrouble = nil
        events.append(.acknowledged(number))
      } else {
        let mayBePersisted = unsafe crdk_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED
        events.append(.failed(number, fatalCause() ?? KafkaCause(error), mayBePersisted: mayBePersisted))
      }
    }
  }

  private func takeError(_ event: OpaquePointer, into events: inout [ProducerEvent]) {
    if let cause = fatalCause() {
      lastTrouble = cause
      events.append(.fatal(cause))
      return
    }
    let error = unsafe crdk_event_error(event)
    let words = unsafe KafkaCause.essence(of: crdk_event_error_string(event).map { unsafe String(cString: $0) } ?? "")
    let cause = settings.explain(KafkaCause(code: error.rawValue, text: settings.redact(words)))
    // "All brokers are down" follows the error of each: that is the better one to remember.
    if lastTrouble == nil || !cause.isSummary { lastTrouble = cause }
    events.append(.trouble(cause))
  }

  /// Why this producer is finished; nil while it is not. Asked at each error, because releases of the library differ in
  /// whether an error is marked as fatal by itself.
  private func fatalCause() -> KafkaCause? {
    var text = [CChar](repeating: 0, count: Self.textSize)
    guard unsafe crdk_fatal_error(client, &text, text.count) != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return KafkaCause(code: RD_KAFKA_RESP_ERR__FATAL.rawValue, text: settings.redact(Self.string(text)))
  }

  /// Takes every record back, immediately: `flush` would wait its whole time after a fatal error. Only ``close()`` or
  /// leaving the process may follow.
  public func abandon() -> [ProducerEvent] {
    _ = unsafe crdk_purge(client)
    var events: [ProducerEvent] = []
    // Purged records come as reports, in the library's own time but without any broker's part in it.
    while recordsInside > 0 {
      let more = poll(waiting: 100)
      events += more
      if more.isEmpty { break }
    }
    return events + poll()
  }

  /// Ends waking: must come before the descriptor is closed, or the library's threads would write into whatever has its
  /// number next.
  public func stopWaking() { unsafe crdk_queue_wake(queue, -1, 0) }

  /// Ends the library's threads, and waits for them: one that looks up a name may take seconds.
  func close() {
    warmUp?.stop()
    unsafe crdk_queue_destroy(queue)
    unsafe crdk_topic_destroy(topic)
    unsafe crdk_destroy(client)
    unsafe certificates?.release()
  }

  /// The same on a thread of its own, for those who cannot wait.
  public func closeInBackground() {
    // Without a thread the client is left to the end of the process, which is not far where threads have run out.
    _ = try? Thread.start { self.close() }
  }

  /// Has `waker` woken whenever there is something to ``poll(waiting:)``.
  public func wake(_ waker: Waker) { waker.withNumber { unsafe crdk_queue_wake(queue, $0, Waker.message) } }

  /// The broker's description of the topic, asked now.
  public func describeTopic(waiting milliseconds: Int32) -> TopicDescription {
    var topicError = RD_KAFKA_RESP_ERR_NO_ERROR
    var partitions: Int32 = 0
    var brokers: Int32 = 0
    let error = unsafe crdk_metadata(client, topic, milliseconds, &topicError, &partitions, &brokers)
    guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return .unanswered(KafkaCause(error)) }
    guard topicError == RD_KAFKA_RESP_ERR_NO_ERROR else {
      return .refused(KafkaCause(topicError), brokers: Int(brokers))
    }
    return .found(partitions: Int(partitions), brokers: Int(brokers))
  }

  /// Makes this producer finished, as a broker that lost its data would; for tests.
  func failFatally() {
    _ = unsafe crdk_test_fatal_error(client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "provoked")
  }

  private static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The broker's description of the topic.
public enum TopicDescription: Sendable, Equatable {
  /// It is there.
  case found(partitions: Int, brokers: Int)
  /// A broker answered, and it is not there, or not for this user.
  case refused(KafkaCause, brokers: Int)
  /// No broker answered.
  case unanswered(KafkaCause)
}
