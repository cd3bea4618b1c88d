// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Answers of partitions that were lost before their commit. A partition may come back, after an outage for example: what no
/// other member has committed by then does not run again.
struct LostAnswers {
  private static let most = 20_000
  /// How long partitions may take to come back, from the first that does.
  private static let patience = Duration.seconds(60)

  private var byPartition: [Int32: [Int64: Answer]] = [:]
  private var count = 0
  private var end: MonotonicInstant?

  /// Takes an answer over, if there is room.
  mutating func keep(_ answer: Answer) -> Bool {
    let request = answer.request
    guard count < Self.most, byPartition[request.partition.number]?[request.offset] == nil else { return false }
    byPartition[request.partition.number, default: [:]][request.offset] = answer
    count += 1
    end = nil
    return true
  }

  mutating func take(partition: Int32, offset: Int64) -> Answer? {
    guard let answer = byPartition[partition]?.removeValue(forKey: offset) else { return nil }
    count -= 1
    return answer
  }

  /// A partition is back, from an offset on: gives its answers before that, which are of no use.
  mutating func begin(partition: Int32, at offset: Int64) -> [Answer] {
    if count > 0, end == nil { end = .now() + Self.patience }
    let old = byPartition[partition]?.keys.filter { $0 < offset } ?? []
    return old.compactMap { take(partition: partition, offset: $0) }
  }

  /// Gives all when their partitions are another member's for good.
  mutating func takeExpired(at now: MonotonicInstant) -> [Answer] {
    guard let end, end <= now else { return [] }
    defer { self = LostAnswers() }
    return byPartition.values.flatMap(\.values)
  }
}
