// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import Foundation
import MockKafka
import RunModel
import Testing

@testable import KafkaClient

@Suite(.timeLimit(.minutes(1))) struct KafkaProducerTests {
  static let topic = "insights"

  private func settings(_ bootstrap: String, window: Duration = .seconds(240)) -> ProducerSettings {
    ProducerSettings(
      topic: Self.topic,
      properties: ProducerSettings.base(window: window, traffic: .single) + [
        .init(name: "bootstrap.servers", value: bootstrap)
      ], secrets: ["hush"], usesSCRAM: false)
  }

  private func send(_ producer: KafkaProducer, _ number: Int64, value: [UInt8] = Array("{}".utf8)) -> Handover {
    producer.produce(number, key: "req-\(number)", value: value, headers: [.init("ce_id", "req-\(number)")])
  }

  private func refusal(_ handover: Handover) -> KafkaCause? {
    if case .refused(let cause) = handover { cause } else { nil }
  }

  /// Polls until `enough` is true for all reports.
  private func events(
    of producer: KafkaProducer, until enough: ([ProducerEvent]) -> Bool
  ) -> [ProducerEvent] {
    var told: [ProducerEvent] = []
    while !enough(told), !Task.isCancelled { told += producer.poll(waiting: 100) }
    return told
  }

  @Test func `a record comes back acknowledged by the number it was given with`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic)
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    #expect(send(producer, 41) == .taken)
    #expect(send(producer, -7) == .taken)
    let told = events(of: producer) { $0.count >= 2 }
    #expect(told.contains(.acknowledged(41)) && told.contains(.acknowledged(-7)))
    #expect(producer.hasBrokerAnswered)
  }

  @Test func `an empty value and a key of awkward characters pass`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic)
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    #expect(producer.produce(1, key: "ключ \u{1F511}", value: [], headers: []) == .taken)
    #expect(events(of: producer) { !$0.isEmpty } == [.acknowledged(1)])
  }

  @Test func `a leader that moves loses nothing`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic, replicas: 3)
    try cluster.setLeader(of: Self.topic, to: 1)
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    var expected: Set<Int64> = []
    for broker in Int32(1)...3 {
      try cluster.setLeader(of: Self.topic, to: broker)
      for number in 1...50 {
        let number = Int64(broker) * 1000 + Int64(number)
        #expect(send(producer, number) == .taken)
        expected.insert(number)
      }
    }
    let told = events(of: producer) { $0.count(where: { if case .acknowledged = $0 { true } else { false } }) >= 150 }
    let acknowledged = told.compactMap { if case .acknowledged(let number) = $0 { number } else { nil } }
    #expect(Set(acknowledged) == expected && acknowledged.count == expected.count)
  }

  @Test func `errors that pass are passed over by the library`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic)
    try cluster.failProducing([
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ])
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    #expect(send(producer, 1) == .taken)
    #expect(events(of: producer) { $0.contains(.acknowledged(1)) }.last == .acknowledged(1))
  }

  @Test func `throttling as Event Hubs does it comes back as a failure that can pass`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic)
    try cluster.failProducing([RD_KAFKA_RESP_ERR_POLICY_VIOLATION])
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    #expect(send(producer, 1) == .taken)
    let told = events(of: producer) { !$0.isEmpty }
    guard case .failed(1, let cause, _)? = told.first else {
      Issue.record("got \(told)")
      return
    }
    #expect(cause.meaning == .passing)
  }

  @Test func `a broker that comes back takes what waited`() throws {
    let cluster = try MockCluster(brokers: 1)
    try cluster.createTopic(Self.topic)
    try cluster.setDown(1)
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    defer { producer.close() }
    #expect(send(producer, 1) == .taken)
    let told = events(of: producer) {
      $0.contains { if case .trouble(let cause) = $0 { cause.isOutage } else { false } }
    }
    #expect(!told.contains(.acknowledged(1)))
    #expect(producer.lastTrouble != nil && producer.lastTrouble?.isSummary == false)
    #expect(!producer.hasBrokerAnswered)
    try cluster.setUp(1)
    #expect(events(of: producer) { $0.contains(.acknowledged(1)) }.contains(.acknowledged(1)))
    #expect(producer.lastTrouble == nil)
  }

  @Test func `abandoning hands every record back, immediately, even while nothing answers`() throws {
    let producer = try KafkaProducer(settings("127.0.0.1:1"))
    for number in Int64(1)...20 { #expect(send(producer, number) == .taken) }
    let told = producer.abandon()
    let failed = told.compactMap { if case .failed(let number, _, mayBePersisted: false) = $0 { number } else { nil } }
    #expect(failed.sorted() == Array(1...20))
    producer.close()
  }

  @Test func `a fatal error is reported, and later records are refused as such`() throws {
    let cluster = try MockCluster()
    try cluster.createTopic(Self.topic)
    let producer = try KafkaProducer(settings(cluster.bootstrap))
    producer.failFatally()
    let told = events(of: producer) { $0.contains { if case .fatal = $0 { true } else { false } } }
    #expect(!told.isEmpty)
    #expect(refusal(send(producer, 1))?.meaning == .producerDead)
    producer.close()
  }

  @Test func `a record larger than the limit is refused for good`() throws {
    let producer = try KafkaProducer(settings("127.0.0.1:1"))
    defer { producer.close() }
    #expect(refusal(send(producer, 1, value: [UInt8](repeating: 32, count: 2_000_000)))?.meaning == .batchRefused)
  }

  @Test func `the end of the window comes back as given up and not persisted`() throws {
    let producer = try KafkaProducer(settings("127.0.0.1:1", window: .seconds(1)))
    defer { producer.close() }
    #expect(send(producer, 1) == .taken)
    let told = events(of: producer) { $0.contains { if case .failed = $0 { true } else { false } } }
    guard case .failed(1, let cause, mayBePersisted: false)? = told.last else {
      Issue.record("got \(told)")
      return
    }
    #expect(cause.meaning == .unexplained)
  }

  @Test func `every secret is removed from all texts of the library`() {
    let settings = ProducerSettings(topic: Self.topic, properties: [], secrets: ["hush", "p w", ""], usesSCRAM: false)
    #expect(settings.redact("hush: value \"p w\" of hush") == "<redacted>: value \"<redacted>\" of <redacted>")
    #expect(settings.redact("nothing") == "nothing")
  }

  @Test func `a property that the library does not know is refused without a broker and without showing secrets`() {
    var bad = settings("127.0.0.1:1")
    bad = ProducerSettings(
      topic: Self.topic, properties: bad.properties + [.init(name: "no.such.property", value: "hush")],
      secrets: ["hush"], usesSCRAM: false)
    let error = #expect(throws: KafkaError.self) { try KafkaProducer(bad) }
    #expect(error.map { "\($0)" }?.contains("no.such.property") == true)
    #expect(error.map { "\($0)" }?.contains("hush") == false)
  }

  @Test func `a cause reads the same however often the library has reported it`() {
    #expect(KafkaCause.essence(of: "a:1/bootstrap: refused (after 0ms in state CONNECT)") == "a:1/bootstrap: refused")
    #expect(
      KafkaCause.essence(of: "failed (why) (after 3ms in state UP, 17 identical error(s) suppressed)") == "failed (why)"
    )
    #expect(KafkaCause.essence(of: "nothing to (cut)") == "nothing to (cut)")
    #expect(KafkaCause.essence(of: "") == "")
  }
}
