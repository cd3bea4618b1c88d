// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The hash of a name: eight bytes at a time by the halves of a full product, as in wyhash
/// (https://github.com/wangyi-fudan/wyhash), from a seed made anew for each stream, so that an algorithm cannot choose
/// names that all collide.
enum NameHash {
  private static let factor: UInt64 = 0xa076_1d64_78bd_642f
  private static let lastFactor: UInt64 = 0xe703_7ed1_a0b4_28db

  @inline(__always)
  static func of(_ bytes: UnsafePointer<UInt8>, count: Int, seed: UInt64) -> UInt64 {
    var hash = seed
    var position = 0
    while count - position >= 8 {
      hash = fold(hash ^ UnsafeRawPointer(bytes + position).loadUnaligned(as: UInt64.self), factor)
      position &+= 8
    }
    var rest: UInt64 = 0
    if count >= 8 {
      // Some of these bytes again: one load costs less than to gather the rest.
      rest = UnsafeRawPointer(bytes + count - 8).loadUnaligned(as: UInt64.self)
    } else {
      while position < count {
        rest = rest << 8 | UInt64(bytes[position])
        position &+= 1
      }
    }
    return fold(hash ^ rest, lastFactor ^ UInt64(count))
  }

  private static func fold(_ value: UInt64, _ factor: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: factor)
    return product.high ^ product.low
  }
}

/// The names seen in one stream, each with its latest number: an open-addressing table over one arena of bytes, so
/// that a metric reported a million times costs neither an allocation nor a String.
///
/// Plain memory with one owner: this is the inner loop of the intake, and arrays would check each of its accesses.
struct MetricTable: ~Copyable {
  /// The state of one name.
  struct Slot {
    let hash: UInt64
    let nameStart: Int
    let nameCount: Int
    var numberStart = 0
    var numberCount = 0
    var numberCapacity = 0
    /// Whether a number was accepted by the line rules, and so has a place in ``order``.
    var hasNumber = false
    /// Reasons for which it was rejected already, a bit each: one rejection a metric and reason is enough.
    var rejectedFor: UInt8 = 0
    /// The line of its latest report and that report's place among the line's members.
    var line = 0
    var lastMember = 0
  }

  private(set) var slots = UnsafeMutablePointer<Slot>.allocate(capacity: 16)
  private var slotCount = 0
  private var slotCapacity = 16
  /// Slots with a number, in the order of their first report.
  private(set) var order: [Int32] = []
  private var arena = UnsafeMutablePointer<UInt8>.allocate(capacity: 1024)
  private var arenaCount = 0
  private var arenaCapacity = 1024
  /// Numbers of slots, -1 if there is none; a power of two, at most half full.
  private var buckets = Self.emptyBuckets(64)
  private var bucketMask = 63

  deinit {
    slots.deallocate()
    arena.deallocate()
    buckets.deallocate()
  }

  /// The slot of a name, made if there is none.
  @inline(__always)
  mutating func slot(for name: UnsafePointer<UInt8>, count: Int, hash: UInt64) -> Int {
    var bucket = Int(truncatingIfNeeded: hash ^ hash &>> 32) & bucketMask
    while true {
      let found = Int(buckets[bucket])
      if found < 0 { break }
      if slots[found].hash == hash, isName(found, name, count) { return found }
      bucket = (bucket &+ 1) & bucketMask
    }
    return add(name, count: count, hash: hash, bucket: bucket)
  }

  /// Notes that `slot` is at place `member` of `line`.
  func note(_ slot: Int, line: Int, member: Int) {
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
      slots[slot].numberStart = reserve(capacity)
      slots[slot].numberCapacity = capacity
    }
    slots[slot].numberCount = count
    (arena + slots[slot].numberStart).update(from: number, count: count)
  }

  /// True the first time a metric is rejected for a reason.
  func isFirstRejection(of slot: Int, bit: UInt8) -> Bool {
    guard slots[slot].rejectedFor & bit == 0 else { return false }
    slots[slot].rejectedFor |= bit
    return true
  }

  /// The name of a slot.
  func name(of slot: Int) -> String { String(decoding: nameBytes(of: slot), as: UTF8.self) }

  /// The same as bytes, lent until the table changes.
  func nameBytes(of slot: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: arena + slots[slot].nameStart, count: slots[slot].nameCount)
  }

  /// The latest number of a slot, as it was written.
  func number(of slot: Int) -> String {
    let text = UnsafeBufferPointer(start: arena + slots[slot].numberStart, count: slots[slot].numberCount)
    return String(decoding: text, as: UTF8.self)
  }

  private func isName(_ slot: Int, _ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    slots[slot].nameCount == count && memcmp(arena + slots[slot].nameStart, name, count) == 0
  }

  // MARK: Growing

  private mutating func add(_ name: UnsafePointer<UInt8>, count: Int, hash: UInt64, bucket: Int) -> Int {
    if slotCount == slotCapacity {
      slots = Self.grown(slots, from: slotCount, to: slotCapacity * 2)
      slotCapacity *= 2
    }
    let start = reserve(count)
    (arena + start).update(from: name, count: count)
    (slots + slotCount).initialize(to: Slot(hash: hash, nameStart: start, nameCount: count))
    buckets[bucket] = Int32(slotCount)
    slotCount += 1
    if slotCount * 2 > bucketMask { growBuckets() }
    return slotCount - 1
  }

  /// Takes bytes of the arena, and returns where they begin.
  private mutating func reserve(_ count: Int) -> Int {
    let start = arenaCount
    arenaCount += count
    if arenaCount > arenaCapacity {
      let capacity = max(arenaCount, arenaCapacity * 2)
      arena = Self.grown(arena, from: start, to: capacity)
      arenaCapacity = capacity
    }
    return start
  }

  private mutating func growBuckets() {
    buckets.deallocate()
    bucketMask = bucketMask * 2 + 1
    buckets = Self.emptyBuckets(bucketMask + 1)
    for index in 0..<slotCount {
      var bucket = Int(truncatingIfNeeded: slots[index].hash ^ slots[index].hash &>> 32) & bucketMask
      while buckets[bucket] >= 0 { bucket = (bucket &+ 1) & bucketMask }
      buckets[bucket] = Int32(index)
    }
  }

  private static func emptyBuckets(_ count: Int) -> UnsafeMutablePointer<Int32> {
    let buckets = UnsafeMutablePointer<Int32>.allocate(capacity: count)
    buckets.initialize(repeating: -1, count: count)
    return buckets
  }

  /// The elements of `old` in a larger place; `old` is gone afterwards. For plain values only.
  private static func grown<Element: BitwiseCopyable>(
    _ old: UnsafeMutablePointer<Element>, from count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let grown = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    grown.initialize(from: old, count: count)
    old.deallocate()
    return grown
  }
}
