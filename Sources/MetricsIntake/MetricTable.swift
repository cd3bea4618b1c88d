/// FNV-1a, seeded anew in each process: an algorithm cannot choose names that all collide.
/// http://www.isthe.com/chongo/tech/comp/fnv/
enum NameHash {
  static let prime: UInt64 = 0x100_0000_01b3

  static func of(_ bytes: UnsafePointer<UInt8>, count: Int, seed: UInt64) -> UInt64 {
    var hash = seed
    for index in 0..<count { hash = (hash ^ UInt64(bytes[index])) &* prime }
    return hash
  }
}

/// The names seen in one stream, each with its latest number: an open-addressing table over one arena of bytes, so
/// that a metric reported a million times costs neither an allocation nor a String.
struct MetricTable {
  /// What is known of one name.
  struct Slot {
    let hash: UInt64
    let nameStart: Int
    let nameCount: Int
    var numberStart = 0
    var numberCount = 0
    var numberCapacity = 0
    /// Whether a number was accepted by the line rules, and so has a place in ``order``.
    var hasNumber = false
    /// Reasons for which it was rejected already, a bit each: one rejection a metric and reason is enough to say.
    var rejectedFor: UInt8 = 0
    /// The line of its latest report and that report's place among the line's members.
    var line = 0
    var lastMember = 0
  }

  private(set) var slots: [Slot] = []
  /// Slots with a number, in the order of their first report.
  private(set) var order: [Int32] = []
  private var arena: [UInt8] = []
  private var buckets = [Int32](repeating: -1, count: 64)

  /// The slot of a name, made where there is none.
  mutating func slot(for name: UnsafePointer<UInt8>, count: Int, hash: UInt64) -> Int {
    let mask = buckets.count - 1
    var bucket = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    while true {
      let found = Int(buckets[bucket])
      if found < 0 { break }
      if slots[found].hash == hash, isName(found, name, count) { return found }
      bucket = (bucket + 1) & mask
    }
    let index = slots.count
    slots.append(Slot(hash: hash, nameStart: arena.count, nameCount: count))
    arena.append(contentsOf: UnsafeBufferPointer(start: name, count: count))
    buckets[bucket] = Int32(index)
    if slots.count * 2 > buckets.count { grow() }
    return index
  }

  /// Notes that `slot` stands at place `member` of `line`.
  mutating func note(_ slot: Int, line: Int, member: Int) {
    slots[slot].line = line
    slots[slot].lastMember = member
  }

  /// Replaces a metric's number.
  mutating func setNumber(of slot: Int, _ number: UnsafePointer<UInt8>, count: Int) {
    if !slots[slot].hasNumber {
      slots[slot].hasNumber = true
      order.append(Int32(slot))
    }
    if slots[slot].numberCapacity < count {
      // Room to grow in place: the old text is left behind, so doubling bounds what is wasted.
      let capacity = max(24, count * 2)
      slots[slot].numberStart = arena.count
      slots[slot].numberCapacity = capacity
      arena.append(contentsOf: repeatElement(0, count: capacity))
    }
    slots[slot].numberCount = count
    let start = slots[slot].numberStart
    arena.withUnsafeMutableBufferPointer { bytes in
      for index in 0..<count { bytes[start &+ index] = number[index] }
    }
  }

  /// True the first time a metric is rejected for a reason.
  mutating func isFirstRejection(of slot: Int, bit: UInt8) -> Bool {
    guard slots[slot].rejectedFor & bit == 0 else { return false }
    slots[slot].rejectedFor |= bit
    return true
  }

  /// The name of a slot.
  func name(of slot: Int) -> String {
    let start = slots[slot].nameStart
    return String(decoding: arena[start..<start + slots[slot].nameCount], as: UTF8.self)
  }

  /// The latest number of a slot, as it was written.
  func number(of slot: Int) -> String {
    let start = slots[slot].numberStart
    return String(decoding: arena[start..<start + slots[slot].numberCount], as: UTF8.self)
  }

  private func isName(_ slot: Int, _ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    guard slots[slot].nameCount == count else { return false }
    let start = slots[slot].nameStart
    return arena.withUnsafeBufferPointer { bytes in
      for index in 0..<count where bytes[start &+ index] != name[index] { return false }
      return true
    }
  }

  private mutating func grow() {
    buckets = [Int32](repeating: -1, count: buckets.count * 2)
    let mask = buckets.count - 1
    for (index, slot) in slots.enumerated() {
      var bucket = Int(truncatingIfNeeded: slot.hash ^ slot.hash >> 32) & mask
      while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
      buckets[bucket] = Int32(index)
    }
  }
}
