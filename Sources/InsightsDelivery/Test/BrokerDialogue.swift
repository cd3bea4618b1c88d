internal import CRDKafka
internal import Glibc
internal import RunModel

/// The steps of `connection test` that librdkafka walks: login, metadata, topic, one record.
///
/// The library tries everything again for ever and calls nothing final, so each step watches what it says and ends as
/// soon as that is clear.
final class BrokerDialogue {
  /// How long one request for metadata is waited for before the library's words are read.
  private static let glance: Int32 = 150
  /// How long trouble that is no clear refusal may last: a broker may be just starting.
  private static let patience = Duration.seconds(3)

  /// How long a topic may take to be made on first use.
  private static let topicPatience = Duration.milliseconds(1500)

  private let producer: KafkaProducer
  private let connection: Connection
  private let clock = ContinuousClock()
  private var answer: TopicDescription?

  init(_ producer: KafkaProducer, _ connection: Connection) {
    self.producer = producer
    self.connection = connection
  }

  deinit { producer.closeInBackground() }

  func authenticate(
    _ authentication: Connection.Authentication, until deadline: ContinuousClock.Instant, isEventHubs: Bool
  ) -> StageResult.Verdict {
    if let trouble = waitForAnswer(until: deadline) {
      return .failed(cause: trouble.text, hint: Hint.ofLogin(trouble, authentication, isEventHubs: isEventHubs))
    }
    return .passed("\(authentication.mechanism.rawValue) as \(TerminalText.safe(authentication.username))")
  }

  func metadata(
    until deadline: ContinuousClock.Instant, _ listener: @autoclosure () -> ListenerKind
  ) -> StageResult.Verdict {
    if let trouble = waitForAnswer(until: deadline) {
      let isEncrypted = connection.kind == .plaintext && listener() == .encrypted
      guard isEncrypted else { return .failed(cause: trouble.text, hint: Hint.ofMetadata(trouble)) }
      return .failed(
        cause: "the broker speaks TLS on this port, and the connection is plaintext",
        hint: "Use `connection set --type sasl_ssl`, or the port of its PLAINTEXT listener.")
    }
    switch answer {
    case .found(_, let brokers), .refused(_, let brokers): return .passed("\(brokers) broker(s)")
    case .unanswered, nil: return .skipped("no answer")
    }
  }

  func topicVerdict(until deadline: ContinuousClock.Instant, user: String?) -> StageResult.Verdict {
    let topic = connection.topic
    let giveUp = clock.now + Self.topicPatience
    while true {
      switch answer {
      case .found(let partitions, _): return .passed("\(topic) has \(partitions) partition(s)")
      case .refused(let cause, _):
        // A topic that is being made, perhaps by this very question, is unknown or has no leader for a moment.
        if Self.mayBeInTheMaking(cause), clock.now < min(deadline, giveUp) {
          usleep(100_000)
          answer = producer.describeTopic(waiting: Self.glance)
          continue
        }
        return .failed(cause: "\(topic): \(cause.text)", hint: Hint.ofTopic(cause, topic: topic, user: user))
      case .unanswered(let cause):
        guard clock.now < deadline else { return .failed(cause: cause.text, hint: Hint.ofMetadata(cause)) }
        answer = producer.describeTopic(waiting: Self.glance)
      case nil: answer = producer.describeTopic(waiting: Self.glance)
      }
    }
  }

  private static func mayBeInTheMaking(_ cause: KafkaCause) -> Bool {
    cause.code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue
      || cause.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue
  }

  /// Sends one record that says of itself what it is; see docs/consume.md.
  func produce(until deadline: ContinuousClock.Instant, user: String?) -> StageResult.Verdict {
    let key = "connection-test-" + RequestID.uuid()
    let headers = [
      InsightsRecord.Header("ce_specversion", "1.0"), .init("ce_id", key), .init("ce_source", "/algo-run"),
      .init("ce_type", "algo-run.connection-test.v1"), .init("content-type", "application/json"),
      .init("algo_connection_test", "1"),
    ]
    let value = Array("{\"request_id\":\"\(key)\",\"connection_test\":1}".utf8)
    if let refusal = producer.produce(1, key: key, value: value, headers: headers) {
      return .failed(cause: refusal.text, hint: Hint.ofTopic(refusal, topic: connection.topic, user: user))
    }
    while clock.now < deadline {
      for event in producer.poll(waiting: 50) {
        switch event {
        case .acknowledged: return .passed("record \(key) is acknowledged by all in-sync replicas")
        case .failed(_, let cause, _), .fatal(let cause):
          return .failed(cause: cause.text, hint: Hint.ofTopic(cause, topic: connection.topic, user: user))
        case .trouble: break
        }
      }
    }
    guard let trouble = producer.lastTrouble else {
      return .failed(
        cause: "no acknowledgement within the time of this test",
        hint: "Does the topic have fewer in-sync replicas than its min.insync.replicas? See the broker's log.")
    }
    return .failed(
      cause: trouble.text,
      hint: "The broker sends clients to the addresses of its advertised.listeners: this machine must reach those too.")
  }

  /// Waits until a broker has answered a request, which it does after the login.
  ///
  /// - Returns: nil, or what is wrong.
  private func waitForAnswer(until deadline: ContinuousClock.Instant) -> KafkaCause? {
    if let answer, case .unanswered = answer {} else if answer != nil { return nil }
    var firstTrouble: ContinuousClock.Instant?
    while true {
      let description = producer.describeTopic(waiting: Self.glance)
      answer = description
      let events = producer.poll()
      guard case .unanswered(let silence) = description else { return nil }
      for case .trouble(let cause) in events where cause.isAuthentication { return cause }
      if firstTrouble == nil, producer.lastTrouble != nil { firstTrouble = clock.now }
      let isHopeless = firstTrouble.map { $0 + Self.patience < clock.now } ?? false
      if isHopeless || deadline <= clock.now { return producer.lastTrouble ?? silence }
    }
  }
}
