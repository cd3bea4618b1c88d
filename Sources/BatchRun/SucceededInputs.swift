/// How often each input has already succeeded: a hash table in a file without a name, so that resuming a million
/// requests takes the memory of resuming ten.
///
/// A slot is 32 bytes: 24 bytes of the input's digest, of which 192 bits are far more than a collision needs, and a
/// count. The file is sparse, at most half full, and read and written by slot.
struct SucceededInputs {
  private struct Slot {
    var key: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var count: UInt64 = 0
  }

  private static let slotSize = 32
  /// A count that marks a slot as taken, whatever is left of it.
  private static let taken: UInt64 = 1 << 63

  private let file: UnlinkedFile
  private let capacity: Int

  /// A table with room for `expected` different inputs.
  init(expected: Int, directory: String) throws(BatchFailure) {
    var capacity = 1024
    while capacity < expected * 2 { capacity *= 2 }
    self.capacity = capacity
    file = try UnlinkedFile(in: directory)
  }

  /// Counts one success.
  func add(_ digest: SHA256.Digest) throws(BatchFailure) {
    var (slot, position) = try find(digest)
    slot.count = (slot.count | Self.taken) + 1
    try write(slot, at: position)
  }

  /// Whether this occurrence of an input has succeeded already; each success answers for one occurrence.
  func take(_ digest: SHA256.Digest) throws(BatchFailure) -> Bool {
    var (slot, position) = try find(digest)
    guard slot.count & ~Self.taken > 0 else { return false }
    slot.count -= 1
    try write(slot, at: position)
    return true
  }

  /// The slot of this input, or the free one where it belongs.
  private func find(_ digest: SHA256.Digest) throws(BatchFailure) -> (Slot, Int) {
    let key = (digest.words[0], digest.words[1], digest.words[2])
    var position = Int(truncatingIfNeeded: key.0 & UInt64(capacity - 1))
    while true {
      var slot = try read(at: position)
      if slot.count == 0 {
        slot.key = key
        return (slot, position)
      }
      if slot.key == key { return (slot, position) }
      position = (position + 1) & (capacity - 1)
    }
  }

  private func read(at position: Int) throws(BatchFailure) -> Slot {
    var slot = Slot()
    var failure: BatchFailure?
    withUnsafeMutableBytes(of: &slot) { bytes in
      // Beyond the end of the file nothing was written yet: an empty slot.
      do throws(BatchFailure) { _ = try file.read(into: bytes, at: position * Self.slotSize) } catch { failure = error }
    }
    if let failure { throw failure }
    return slot
  }

  private func write(_ slot: Slot, at position: Int) throws(BatchFailure) {
    var failure: BatchFailure?
    withUnsafeBytes(of: slot) { bytes in
      do throws(BatchFailure) { try file.overwrite(bytes, at: position * Self.slotSize) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
