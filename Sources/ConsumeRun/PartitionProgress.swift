// SPDX-License-Identifier: Apache-2.0
/// How far one partition is done. Pure.
///
/// Offsets have gaps (markers of transactions, compaction), so it counts delivered records. Records that a predecessor
/// completed beyond the committed offset is kept, and written back with every commit, until it is delivered again or
/// passed: a commit without it would have the next owner run it again.
struct PartitionProgress {
  /// The decision on a record.
  enum Delivery {
    case run
    /// A predecessor has completed it.
    case done
    /// It came before.
    case repeated
  }

  /// The offset that comes next, or a later one.
  private(set) var position: Int64
  private var delivered: [(offset: Int64, isDone: Bool)] = []
  /// Before it all of `delivered` is done.
  private var head = 0
  private var inherited: [Int64]
  /// Whether commits name what a predecessor completed. Only a test leaves it out.
  private let keepsInherited: Bool
  private var dropped: Set<Int64> = []

  /// Begins at a committed offset, with the text beside it.
  init(at offset: Int64, metadata: String = "", keepsInherited: Bool = true) {
    position = offset
    self.keepsInherited = keepsInherited
    inherited = CompletedOffsets.decode(metadata, base: offset)
  }

  /// The offset to commit: everything before it is done.
  var base: Int64 { head < delivered.count ? delivered[head].offset : position }

  /// Takes the offset of a record.
  mutating func deliver(_ offset: Int64) -> Delivery {
    guard offset >= position else { return .repeated }
    position = offset + 1
    let isDone = inherited.firstIndex { $0 >= offset }.map { inherited[$0] == offset } ?? false
    inherited.removeAll { $0 <= offset }
    if isDone, !keepsInherited { dropped.insert(offset) }
    delivered.append((offset, isDone))
    advance()
    return isDone ? .done : .run
  }

  /// There is no record before `offset` any more.
  mutating func reachEnd(_ offset: Int64) {
    guard offset > position else { return }
    position = offset
    inherited.removeAll { $0 < offset }
  }

  /// A delivered record is done.
  mutating func complete(_ offset: Int64) {
    var (low, high) = (head, delivered.count)
    while low < high {
      let middle = (low + high) / 2
      if delivered[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    guard low < delivered.count, delivered[low].offset == offset else { return }
    delivered[low].isDone = true
    advance()
  }

  private mutating func advance() {
    while head < delivered.count, delivered[head].isDone { head += 1 }
    guard head == delivered.count || head >= 1024 else { return }
    delivered.removeFirst(head)
    head = 0
  }

  /// The text beside the offset to commit.
  var metadata: String {
    var completed: [Int64] = []
    for entry in delivered[head...] where entry.isDone && !dropped.contains(entry.offset) {
      completed.append(entry.offset)
    }
    return CompletedOffsets.encode(completed + (keepsInherited ? inherited : []), base: base)
  }

  /// Whether all records before `offset` are done.
  func isDone(before offset: Int64) -> Bool { base >= offset }
}
