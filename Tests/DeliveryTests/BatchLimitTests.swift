// SPDX-License-Identifier: Apache-2.0
import CRDKafka
import KafkaClient
import RunModel
import Testing

@testable import Delivery

/// Outcomes of records if the broker limits the size of record batches: the policy against a broker in a few
/// lines, without clock and I/O.
@Suite struct BatchLimitTests {
  /// Sends what it is given in batches, as librdkafka does, to a broker that refuses batches above a limit.
  private final class Broker {
    var limit: Int
    private(set) var delivered: [Int] = []
    private(set) var rejected: [Int] = []
    /// Batches sent, the refused ones included.
    private(set) var batches = 0
    private(set) var refusedBatches = 0
    private var policy = DeliveryPolicy()
    /// Bytes of each record, by its number.
    private var sizes: [Int] = []
    private var waiting: [Int] = []

    init(limit: Int) { self.limit = limit }

    /// Delivers until nothing waits any more. Records are numbered from 0.
    func deliver(_ added: [Int]) {
      waiting += sizes.count..<(sizes.count + added.count)
      sizes += added
      var turns = 0
      while !waiting.isEmpty {
        turns += 1
        guard turns < 20_000 else {
          Issue.record("\(waiting.count) records wait for ever")
          return
        }
        let taken = Array(waiting.prefix(policy.capacity))
        for id in taken {
          policy.take(Int64(id), windowEnd: .late, attempts: 0, mayBePersisted: false, now: .start)
        }
        waiting.replaceSubrange(..<taken.count, with: send(taken))
      }
    }

    /// - Returns: the records that go back.
    private func send(_ records: [Int]) -> [Int] {
      let size = 1_000_000 >> (2 * policy.quarterings)
      var returned: [Int] = []
      var start = 0
      while start < records.count {
        var end = start + 1
        var bytes = sizes[records[start]]
        while end < records.count, bytes + sizes[records[end]] <= size {
          bytes += sizes[records[end]]
          end += 1
        }
        batches += 1
        if bytes > limit { refusedBatches += 1 }
        for id in records[start..<end] { answer(id, isRefused: bytes > limit, &returned) }
        start = end
      }
      return returned
    }

    private func answer(_ id: Int, isRefused: Bool, _ returned: inout [Int]) {
      let cause = KafkaCause(code: RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue, text: "too large")
      let event =
        isRefused ? ProducerEvent.failed(Int64(id), cause, mayBePersisted: false) : .acknowledged(Int64(id))
      for action in policy.handle(event, now: .start) {
        switch action {
        case .remove(let id): delivered.append(Int(id))
        case .reject(let id, _): rejected.append(Int(id))
        case .tryAgain(let id, .start, _, mayBePersisted: false): returned.append(Int(id))
        case .replaceProducer:
          #expect(policy.count == 0, "a producer was replaced that still had records")
          policy.producerWasReplaced()
        default: Issue.record("unexpected: \(action)")
        }
      }
    }
  }

  @Test(arguments: [1_000_000, 65_536, 20_000, 4000, 600])
  func `no record is rejected that the broker takes alone`(_ limit: Int) {
    let broker = Broker(limit: limit)
    broker.deliver((0..<1500).map { 300 + $0 % 250 })
    #expect(broker.delivered.count == 1500 && Set(broker.delivered).count == 1500)
    #expect(broker.rejected == [])
  }

  @Test func `of a batch with records that are too large, these alone are rejected`() {
    let broker = Broker(limit: 600)
    broker.deliver([400, 900, 400, 900, 400, 900])
    #expect(broker.delivered.sorted() == [0, 2, 4])
    #expect(broker.rejected.sorted() == [1, 3, 5])
  }

  @Test func `one record that is too large among thousands is found with few requests`() {
    let broker = Broker(limit: 1_000_000)
    broker.deliver([Int](repeating: 500, count: 6000) + [1_100_000] + [Int](repeating: 500, count: 6000))
    #expect(broker.delivered.count == 12_000 && broker.rejected == [6000])
    #expect(broker.batches < 400)
  }

  @Test func `batches are as large again once a record that was too large is gone`() {
    let broker = Broker(limit: 1_000_000)
    broker.deliver([400, 2_000_000, 400])
    broker.deliver([Int](repeating: 400, count: 10_000))
    let before = broker.batches
    broker.deliver([Int](repeating: 400, count: 10_000))
    #expect(broker.batches - before == 4, "4 MB in batches of 1 MB")
  }

  @Test func `a limit that is merely small costs few refused batches, and none of the speed`() {
    let broker = Broker(limit: 65_536)
    for _ in 0..<20 { broker.deliver([Int](repeating: 4000, count: 5000)) }
    #expect(broker.delivered.count == 100_000 && broker.rejected == [])
    // 400 MB in batches of 15 records are 6,667 batches.
    #expect(broker.batches < 7500 && broker.refusedBatches < 500)
  }

  @Test func `a limit that was raised is found out`() {
    let broker = Broker(limit: 10_000)
    broker.deliver([Int](repeating: 400, count: 5000))
    broker.limit = 1_000_000
    for _ in 0..<20 { broker.deliver([Int](repeating: 400, count: 2000)) }
    let before = broker.batches
    broker.deliver([Int](repeating: 400, count: 10_000))
    #expect(broker.batches - before == 4)
  }
}

extension Timestamp {
  fileprivate static let start = Timestamp(microseconds: 0)
  fileprivate static let late = Timestamp(microseconds: 240_000_000)
}
