// SPDX-License-Identifier: Apache-2.0
import Delivery
import KafkaClient
import Platform
import RunModel

/// A file that takes what is written to it, unless its disk is full.
final class SimulatedFile: Destination {
  private let topic: SimulatedTopic
  private let process: SimulatedProcess
  private var sent: [(id: Int64, key: String)] = []
  private var nextAttempt: MonotonicInstant?
  private(set) var problem: DestinationProblem?
  let answersAtOnce = true

  init(_ topic: SimulatedTopic, _ process: SimulatedProcess) {
    self.topic = topic
    self.process = process
  }

  var capacity: Int { nextAttempt.map { topic.time.elapsed < $0 } ?? false ? 0 : 12 - sent.count }

  func send(_ id: Int64, _ record: InsightsRecord) -> Handover {
    guard process.lives() else { return .taken }
    topic.ledger.send(record, by: process.number)
    sent.append((id, record.key))
    return .taken
  }

  func poll() -> [ProducerEvent] {
    guard process.lives(), !sent.isEmpty else { return [] }
    var written = topic.state == .up ? sent.count : 0
    // A slow reader of a pipe takes some.
    if !topic.isCalm, process.happens(5) { written = process.number(below: written + 1) }
    let isFull = written < sent.count
    problem = isFull ? .file(.cannotWrite(path: "/simulated", errno: 28)) : nil
    nextAttempt = isFull ? topic.time.elapsed + .seconds(1) : nil
    let events = sent.enumerated().map { index, record -> ProducerEvent in
      guard index < written else { return .failed(record.id, .fileSystem, mayBePersisted: false) }
      if topic.fault != .lose || !process.happens(5) { topic.ledger.arrive(record.key) }
      if topic.fault == .invent, process.happens(5) { topic.ledger.arrive("invented") }
      topic.ledger.acknowledge(record.key, to: process.number)
      if topic.fault == .resend, process.happens(5), let sent = topic.ledger[record.key]?.record {
        topic.ledger.send(sent, by: process.number)
      }
      return .acknowledged(record.id)
    }
    sent = []
    return events
  }

  func reclaim() -> [ProducerEvent] {
    defer { sent = [] }
    return sent.map { .failed($0.id, .withoutAnswer, mayBePersisted: false) }
  }

  func reopen(quarterings: Int) {}
}
