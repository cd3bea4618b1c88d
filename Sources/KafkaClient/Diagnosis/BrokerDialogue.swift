// SPDX-License-Identifier: Apache-2.0
internal import CRDKafka
internal import Glibc
internal import Platform
internal import RunModel

/// The steps of `connection test` that librdkafka walks: login, metadata, topic, one record.
///
/// The library tries everything again for ever and calls nothing final, so each step watches its reports and ends as
/// soon as that is clear.
final class BrokerDialogue {
  /// How long one request for metadata is waited for before the library's words are read, in milliseconds: at first,
  /// and at most if a broker is so far away that its answers take longer.
  private static let pollInterval: Int32 = 150
  private static let longestPollInterval: Int32 = 1200
  /// Limit for trouble that is not a clear refusal: a broker may be just starting.
  private static let troubleLimit = Duration.seconds(3)
  /// How long a topic may take to be made on first use.
  private static let topicCreationWait = Duration.milliseconds(1500)
  /// How long a new connection may take, login included: less than this test, so that the library reports where one
  /// stands still. Of use only here: a delivery has more time.
  private static let setup = Duration.seconds(5)

  /// The result of the TLS handshake with a broker.
  enum Handshake {
    /// It got as far as the certificate.
    case certificate(CertificateWatch.Finding)
    /// It did not, in the library's words.
    case none(String)
    /// It had no end in time.
    case silent
  }

  private let producer: KafkaProducer
  private let certificates = CertificateWatch()
  private let connection: Connection
  private let start: MonotonicInstant
  private var pollInterval = BrokerDialogue.pollInterval
  private var answer: TopicDescription?
  /// The last problem with an address that a broker gave.
  private var advertisedTrouble: KafkaCause?
  private var firstTrouble: MonotonicInstant?

  /// Begins to connect.
  ///
  /// - Throws: ``KafkaError`` for settings that the library refuses.
  init(_ connection: Connection) throws(KafkaError) {
    let settings = try ProducerSettings(connection, traffic: .single)
    let setup = ProducerSettings.Property(
      name: "socket.connection.setup.timeout.ms", value: "\(Self.setup.wholeMicroseconds / 1000)")
    start = MonotonicInstant.now()
    // Without the note on SCRAM in each cause: the hint has it.
    producer = try KafkaProducer(
      ProducerSettings(
        topic: settings.topic, properties: settings.properties + [setup], secrets: settings.secrets,
        usesSCRAM: false), warmsUp: true, certificates: certificates)
    self.connection = connection
  }

  deinit { producer.closeInBackground() }

  /// Waits for the handshake with the broker at `address`, or with another one if that one's does not end.
  func handshake(with address: BrokerAddress, until deadline: MonotonicInstant) -> Handshake {
    func finding() -> CertificateWatch.Finding? {
      certificates.findings.first { $0.broker == address.description }
    }
    var failure: KafkaCause?
    while finding() == nil, failure == nil, MonotonicInstant.now() < deadline {
      for case .trouble(let cause) in hear(waiting: 20) where cause.isHandshake(with: address) { failure = cause }
    }
    let others = certificates.findings
    // A problem of a certificate is noted before the failure is reported.
    if let found = finding() ?? others.first(where: { $0.code == 0 }) ?? others.first { return .certificate(found) }
    return failure.map { .none($0.textWithoutAddress) } ?? .silent
  }

  func authenticate(
    _ authentication: Connection.Authentication, until deadline: MonotonicInstant, isEventHubs: Bool
  ) -> StageResult.Verdict {
    // A broker gives addresses only after the login. The library may then close the connection before an answer comes.
    guard waitForAnswer(until: deadline) || advertisedTrouble != nil else {
      guard let trouble = producer.lastTrouble, trouble.isAuthentication else { return unanswered(nil) }
      // The library also calls it a failed login if the connection ended before, and then says so in words of its own.
      return .failed(
        cause: trouble.text, hint: Hint.ofLogin(trouble, authentication, isEventHubs: isEventHubs),
        isFirm: !trouble.text.containsBytes("Local: "))
    }
    return .passed("\(authentication.mechanism.rawValue) as \(TerminalText.escaped(authentication.username))")
  }

  /// - Parameter listener: looks at the listener; called if no broker answers.
  func metadata(until deadline: MonotonicInstant, _ listener: () -> ListenerKind?) -> StageResult.Verdict {
    if answer == nil {
      guard waitForAnswer(until: deadline - ListenerKind.longestLook) else { return unanswered(listener()) }
    } else {
      // It came with the login, and the time of this step is that of an answer.
      _ = ask()
    }
    switch answer {
    case .found(_, let brokers), .refused(_, let brokers): return .passed("\(brokers) broker(s)")
    case .unanswered, nil: return .skipped("no answer")
    }
  }

  private func unanswered(_ listener: ListenerKind?) -> StageResult.Verdict {
    Unanswered.verdict(
      isSilent ? nil : producer.lastTrouble, listener, connection: connection, waited: MonotonicInstant.now() - start)
  }

  func topicVerdict(until deadline: MonotonicInstant, user: String?) -> StageResult.Verdict {
    let topic = connection.topic
    let giveUp = min(deadline, MonotonicInstant.now() + Self.topicCreationWait)
    while true {
      let isAnswered = ask()
      switch answer {
      case .found(let partitions, _): return .passed("\(topic) has \(partitions) partition(s)")
      case .refused(let cause, _):
        // A topic that is being made, perhaps by this very question, is unknown or has no leader for a moment.
        if Self.mayBeInTheMaking(cause), MonotonicInstant.now() < giveUp {
          if isAnswered { usleep(100_000) }
          continue
        }
        // Where the broker cannot be asked again, it may be there by now.
        if !isAnswered, Self.mayBeInTheMaking(cause), let trouble = advertisedTrouble {
          return .failed(cause: trouble.text, hint: Hint.ofMetadata(trouble, brokers: connection.brokers))
        }
        return .failed(cause: "\(topic): \(cause.text)", hint: Hint.ofTopic(cause, topic: topic, user: user))
      case .unanswered, nil: return .skipped("no answer")
      }
    }
  }

  private static func mayBeInTheMaking(_ cause: KafkaCause) -> Bool {
    cause.code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue
      || cause.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue
  }

  /// Sends one record that is marked as a test; see docs/consume.md.
  func produce(until deadline: MonotonicInstant, user: String?) -> StageResult.Verdict {
    let key = "connection-test-" + RequestID.uuid()
    let headers = [
      InsightsRecord.Header("ce_specversion", "1.0"), .init("ce_id", key), .init("ce_source", "/algo-run"),
      .init("ce_type", "algo-run.connection-test.v1"), .init("content-type", "application/json"),
      .init("algo_connection_test", "1"),
    ]
    let value = Array("{\"request_id\":\"\(key)\",\"connection_test\":1}".utf8)
    if case .refused(let refusal) = producer.produce(1, key: key, value: value, headers: headers) {
      return .failed(cause: refusal.text, hint: Hint.ofTopic(refusal, topic: connection.topic, user: user))
    }
    while MonotonicInstant.now() < deadline {
      for event in hear(waiting: 50) {
        switch event {
        case .acknowledged: return .passed("record \(key) is acknowledged by all in-sync replicas")
        case .failed(_, let cause, _) where cause.meaning == .unexplained: return unacknowledged
        case .failed(_, let cause, _), .fatal(let cause):
          return .failed(cause: cause.text, hint: Hint.ofTopic(cause, topic: connection.topic, user: user))
        case .trouble: break
        }
      }
      // It stays so: the library would try for the whole window.
      if let firstTrouble, advertisedTrouble != nil, firstTrouble + Self.troubleLimit < .now() { return unacknowledged }
    }
    return unacknowledged
  }

  private var unacknowledged: StageResult.Verdict {
    if let trouble = advertisedTrouble {
      return .failed(cause: trouble.text, hint: Hint.ofMetadata(trouble, brokers: connection.brokers))
    }
    return .failed(
      cause: "no acknowledgement within the time of this test",
      hint: "Does the topic have fewer in-sync replicas than its min.insync.replicas? See the broker's log.")
  }

  /// Waits until a broker has answered a request, which it does after the login.
  ///
  /// - Returns: whether one has; if not, the producer's last trouble is the reason, if there is one.
  private func waitForAnswer(until deadline: MonotonicInstant) -> Bool {
    while true {
      if ask() { return true }
      // If one is silent, the other brokers had the same time.
      if producer.lastTrouble?.isAuthentication == true || isSilent { return false }
      if let firstTrouble, firstTrouble + Self.troubleLimit < MonotonicInstant.now() { return false }
      if deadline <= MonotonicInstant.now() { return false }
    }
  }

  /// Whether a connection was not ready in time. Releases since 2.10 or so report only that the broker is down, but
  /// not before that time; a connection that ends in another way, they report immediately.
  private var isSilent: Bool {
    guard let trouble = producer.lastTrouble, trouble.advertisedAddress == nil else { return false }
    let isLate = firstTrouble.map { start + Self.setup - .milliseconds(500) < $0 } ?? false
    return trouble.isSetupTimeout || (trouble.isSummary && isLate)
  }

  /// Asks for the topic once and keeps the answer if one comes.
  private func ask() -> Bool {
    let description = producer.describeTopic(waiting: pollInterval)
    hear()
    guard case .unanswered(let cause) = description else {
      answer = description
      return true
    }
    if cause.isLateAnswer { pollInterval = min(pollInterval * 2, Self.longestPollInterval) }
    return false
  }

  @discardableResult private func hear(waiting milliseconds: Int32 = 0) -> [ProducerEvent] {
    let events = producer.poll(waiting: milliseconds)
    for case .trouble(let cause) in events {
      firstTrouble = firstTrouble ?? MonotonicInstant.now()
      if cause.advertisedAddress != nil { advertisedTrouble = cause }
    }
    return events
  }
}
