// SPDX-License-Identifier: Apache-2.0
internal import Execution

/// Counts by digest, in a file without a name: a million inputs take as much memory as ten.
///
/// An open-addressing hash table of 24-byte slots: 128 bits of key, for which no two inputs are found that share them, and
/// a count. It grows before it is half full, by so much that few keys move often; an empty slot is all zeros, so the
/// file may be sparse.
final class DiskHashTable {
  /// The key of a count.
  struct Key: Equatable {
    fileprivate let words: (UInt64, UInt64)

    /// An input.
    init(_ digest: SHA256.Digest) { words = (digest.words[0], digest.words[1]) }

    /// One of several occurrences of an input, counted from 1.
    init(_ digest: SHA256.Digest, occurrence: Int) {
      // Multiplied by an odd number, different occurrences stay different.
      let mixed = UInt64(truncatingIfNeeded: occurrence) &* 0x9e37_79b9_7f4a_7c15
      words = (digest.words[0] ^ mixed, digest.words[1])
    }

    fileprivate init(words: (UInt64, UInt64)) { self.words = words }

    static func == (left: Key, right: Key) -> Bool { left.words == right.words }
  }

  private struct Slot {
    var key: (UInt64, UInt64) = (0, 0)
    var count: UInt64 = 0
  }

  private static let slotSize = 24
  private static let firstCapacity = 1024
  private static let growth = 4

  private let directory: String
  private var file: AnonymousFile
  private var capacity = firstCapacity
  private var used = 0

  /// An empty table, its file in `directory`.
  init(directory: String) throws(BatchFailure) {
    self.directory = directory
    file = try AnonymousFile(in: directory, isRandom: true)
  }

  /// Adds one.
  ///
  /// - Returns: The new count.
  @discardableResult
  func increment(_ key: Key) throws(BatchFailure) -> Int {
    var (slot, position) = try find(key)
    if slot.count == 0 { used += 1 }
    slot.count += 1
    try write(slot, at: position)
    if used * 2 > capacity { try grow() }
    return Int(slot.count)
  }

  /// The count; 0 if the key was never added.
  func count(_ key: Key) throws(BatchFailure) -> Int { Int(try find(key).slot.count) }

  /// The slot of this key, or the free slot for it.
  private func find(_ key: Key) throws(BatchFailure) -> (slot: Slot, position: Int) {
    var position = Int(truncatingIfNeeded: key.words.0 & UInt64(capacity - 1))
    while true {
      var slot = try read(at: position)
      if slot.count == 0 { slot.key = key.words }
      if slot.key == key.words { return (slot, position) }
      position = (position + 1) & (capacity - 1)
    }
  }

  private func grow() throws(BatchFailure) {
    let (old, oldCapacity) = (file, capacity)
    file = try AnonymousFile(in: directory, isRandom: true)
    capacity *= Self.growth
    let batch = 512
    var slots: [UInt8] = []
    for start in stride(from: 0, to: oldCapacity, by: batch) {
      slots.removeAll(keepingCapacity: true)
      let end = min(old.extent, (start + batch) * Self.slotSize)
      guard end > start * Self.slotSize else { break }
      try old.append(to: &slots, from: start * Self.slotSize..<end)
      for offset in stride(from: 0, to: slots.count, by: Self.slotSize) {
        let slot = slots.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Slot.self) }
        if slot.count > 0 { try write(slot, at: try find(Key(words: slot.key)).position) }
      }
    }
  }

  private func read(at position: Int) throws(BatchFailure) -> Slot {
    var slot = Slot()
    // Beyond the end of the file every slot is empty.
    try withUnsafeMutableBytes(of: &slot) { (bytes) throws(BatchFailure) in
      _ = try file.read(into: bytes, at: position * Self.slotSize)
    }
    return slot
  }

  private func write(_ slot: Slot, at position: Int) throws(BatchFailure) {
    try withUnsafeBytes(of: slot) { (bytes) throws(BatchFailure) in
      try file.overwrite(bytes, at: position * Self.slotSize)
    }
  }
}
