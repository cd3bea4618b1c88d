// SPDX-License-Identifier: Apache-2.0
internal import KafkaClient
internal import Platform
internal import RunModel

/// A Kafka topic. The producer connects in the background; one that could not be made is tried again from time to time.
final class KafkaDestination: Destination {
  /// Pause after a producer could not be made.
  static let pause = Duration.seconds(5)
  /// How long a broker that has answered before may take to describe the topic, in milliseconds.
  private static let topicWait: Int32 = 100

  private let connection: Connection
  private let traffic: ProducerSettings.Traffic
  private let waker: Waker
  private var producer: KafkaProducer?
  private var nextAttempt: MonotonicInstant?
  private var quarterings = 0
  /// The result of ``askAboutTopic()``.
  private var trouble: KafkaCause?
  private(set) var problem: DestinationProblem?
  let answersAtOnce = false

  /// Makes a producer for `connection`.
  ///
  /// - Parameter waker: is woken whenever there are events.
  init(_ connection: Connection, traffic: ProducerSettings.Traffic, waker: Waker) {
    self.connection = connection
    self.traffic = traffic
    self.waker = waker
    reopen(quarterings: 0)
  }

  /// Whether a broker has answered the present producer.
  var hasBrokerAnswered: Bool { producer?.hasBrokerAnswered ?? false }

  // librdkafka has limits of its own, far beyond those of the policy.
  var capacity: Int { producer == nil ? 0 : .max }

  func send(_ id: Int64, _ record: InsightsRecord) -> Handover {
    producer?.produce(id, key: record.key, value: record.value, headers: record.headers) ?? .refused(.withoutAnswer)
  }

  func poll() -> [ProducerEvent] {
    if let nextAttempt, nextAttempt <= .now() { reopen(quarterings: quarterings) }
    return (trouble.take().map { [.trouble($0)] } ?? []) + (producer?.poll() ?? [])
  }

  func reclaim() -> [ProducerEvent] {
    nextAttempt = nil
    guard let producer = producer.take() else { return [] }
    producer.stopWaking()
    defer { producer.closeInBackground() }
    return producer.abandon()
  }

  func reopen(quarterings: Int) {
    self.quarterings = quarterings
    do throws(KafkaError) {
      let producer = try KafkaProducer(ProducerSettings(connection, traffic: traffic, quarterings: quarterings))
      producer.wake(waker)
      self.producer = producer
      (problem, nextAttempt) = (nil, nil)
    } catch {
      (problem, nextAttempt) = (.kafka(error), .now() + Self.pause)
    }
  }

  /// If no acknowledgement comes and nothing is known to be wrong, the reason may be the topic, about which librdkafka
  /// reports nothing for half a minute. A broker that has answered before describes it within milliseconds; the next
  /// poll reports a refusal.
  func askAboutTopic() {
    if let producer, producer.hasBrokerAnswered,
      case .refused(let cause, _) = producer.describeTopic(waiting: Self.topicWait)
    {
      trouble = cause
    }
  }
}
