// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import KafkaClient

/// When the batch of a partition is full.
@Suite struct BatchRoomTests {
  private func record(_ bytes: Int, to partition: Int32?, of topic: String = "results") -> OutgoingRecord {
    OutgoingRecord(
      to: .init(topic: topic, partition: partition), key: nil, value: [UInt8](repeating: 0, count: bytes))
  }

  private func answers(of room: inout BatchRoom, to records: [OutgoingRecord]) -> [Bool] {
    records.map { room.add($0) }
  }

  @Test func `a batch takes records up to its size`() {
    let one = record(100, to: 0)
    var room = BatchRoom(batchSize: 2 * one.size)
    #expect(answers(of: &room, to: [one, one, one]) == [true, true, false])
    room.clear()
    #expect(answers(of: &room, to: [one]) == [true])
  }

  @Test func `each partition of each topic has a batch of its own`() {
    var room = BatchRoom(batchSize: record(100, to: 0).size)
    let records = [record(100, to: 0), record(100, to: 1), record(100, to: 0, of: "payloads"), record(100, to: nil)]
    #expect(answers(of: &room, to: records) == [true, true, true, true])
    #expect(answers(of: &room, to: [record(0, to: nil)]) == [false])
  }

  @Test func `a record larger than a batch has one of its own`() {
    var room = BatchRoom(batchSize: 500)
    let (large, small) = (record(1000, to: 0), record(0, to: 0))
    #expect(answers(of: &room, to: [large, small]) == [true, false])
    room.clear()
    #expect(answers(of: &room, to: [small, large]) == [true, false])
  }
}
