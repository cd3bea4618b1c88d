// SPDX-License-Identifier: Apache-2.0
import KafkaClient
import Testing

@testable import ConsumeRun

@Suite("Records that cannot be read")
struct UnreadablePlacesTests {
  private func place(_ offset: Int64, of partition: Int32 = 3) -> PartitionOffset {
    PartitionOffset(partition: partition, offset: offset)
  }

  @Test("A record is reported once until it is skipped, and each partition for itself")
  func once() {
    var places = UnreadablePlaces()
    #expect(places.report(place(7)) == place(7))
    #expect(places.report(place(7)) == nil)
    #expect(places.report(place(1, of: 0)) == place(1, of: 0))
  }

  @Test("Each record of a batch is reported, although the library names the first one again")
  func batch() {
    var places = UnreadablePlaces()
    #expect(places.report(place(7)) == place(7))
    places.skip(to: place(8))
    #expect(places.report(place(7)) == place(8))
    places.skip(to: place(9))
    #expect(places.report(place(20)) == place(20))
  }

  @Test("A partition that comes back begins anew")
  func forgotten() {
    var places = UnreadablePlaces()
    _ = places.report(place(7))
    places.skip(to: place(8))
    places.forget([3])
    #expect(places.report(place(2)) == place(2))
  }
}
