// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ConsumeRun

@Suite("Offsets that are done beyond the committed one")
struct CompletedOffsetsTests {
  @Test("come back from their text", arguments: [[], [11], [11, 12, 13], [17, 18, 1033], [10 + 4000]] as [[Int64]])
  func roundTrip(_ offsets: [Int64]) {
    #expect(CompletedOffsets.decode(CompletedOffsets.encode(offsets, base: 10), base: 10) == offsets)
  }

  @Test("are a bitmap in base64")
  func format() {
    #expect(CompletedOffsets.encode([101, 103, 108], base: 100) == "algo-run/1 CgE=")
    #expect(CompletedOffsets.encode([], base: 100) == "")
  }

  @Test("take at most 183 bytes for a window of 1,024")
  func size() {
    #expect(CompletedOffsets.encode(Array(1..<1024), base: 0).utf8.count == 183)
  }

  @Test(
    "are none beside a text of another program", arguments: ["", "algo-run/2 CgE=", "algo-run/1 C", "algo-run/1 C~E="])
  func unknown(_ text: String) { #expect(CompletedOffsets.decode(text, base: 100) == []) }
}

@Suite("The progress of a partition")
struct PartitionProgressTests {
  @Test("commits the first offset that is not done, and a map of those behind it")
  func outOfOrder() {
    var progress = PartitionProgress(at: 100)
    for offset in [100, 101, 103, 108] as [Int64] { #expect(progress.deliver(offset) == .run) }
    progress.complete(103)
    progress.complete(108)
    #expect(progress.base == 100)
    #expect(progress.metadata == "algo-run/1 CAE=")
    progress.complete(100)
    #expect(progress.base == 101)
    progress.complete(101)
    #expect(progress.base == 109)
    #expect(progress.metadata == "")
  }

  @Test("recognises what a predecessor completed, and writes it back until it is passed")
  func inheritedMap() {
    var progress = PartitionProgress(at: 100, metadata: "algo-run/1 CgE=")
    #expect(progress.metadata == "algo-run/1 CgE=")
    #expect(progress.deliver(100) == .run)
    #expect(progress.metadata == "algo-run/1 CgE=")
    #expect(progress.deliver(101) == .done)
    #expect(progress.deliver(102) == .run)
    progress.complete(100)
    #expect(progress.base == 102)
    #expect(CompletedOffsets.decode(progress.metadata, base: 102) == [103, 108])
    progress.complete(102)
    #expect(progress.base == 103)
    // 103 was completed by the predecessor and was not delivered again yet.
    #expect(CompletedOffsets.decode(progress.metadata, base: 103) == [103, 108])
  }

  @Test("passes gaps, and reaches an end without a record")
  func gaps() {
    var progress = PartitionProgress(at: 5)
    #expect(progress.deliver(9) == .run)
    #expect(progress.base == 9)
    progress.complete(9)
    progress.reachEnd(14)
    #expect(progress.base == 14)
    #expect(progress.isDone(before: 14))
  }

  @Test("takes each offset once")
  func repeated() {
    var progress = PartitionProgress(at: 5)
    #expect(progress.deliver(5) == .run)
    #expect(progress.deliver(5) == .repeated)
    #expect(progress.deliver(4) == .repeated)
  }
}

@Suite("Identifiers of requests")
struct RequestIdentityTests {
  @Test("are a UUID of version 5 of cluster, topic, partition and offset")
  func golden() {
    let identity = RequestIdentity(clusterID: "4L6g3nShT-eMCtK--X86sw", topic: "requests")
    #expect(identity.id(partition: 3, offset: 42) == "req-785dbce4-0c77-56b5-8670-c574b40c18e6")
  }
}

@Suite("Patterns of reply topics")
struct NamePatternTests {
  @Test(
    "fit whole names",
    arguments: [
      ("replies", "replies", true), ("replies", "replies2", false), ("replies-*", "replies-7", true),
      ("*-replies", "a-b-replies", true), ("r?plies", "replies", true), ("*", "", true), ("a*b*c", "axxbyyc", true),
      ("a*b*c", "axxbyy", false),
    ])
  func matches(_ pattern: String, _ name: String, _ isExpected: Bool) {
    #expect(NamePattern(pattern).matches(name) == isExpected)
  }
}
