// SPDX-License-Identifier: Apache-2.0
/// Counts durations in a table of fixed size, so that percentiles of any number of requests take 20 KiB.
///
/// Each power of two of microseconds is cut into 64 parts: a percentile differs from the true one by less than 0.8 %
/// (half of 1/64), and by less than a microsecond below 64 µs.
struct DurationHistogram {
  private static let parts = 64
  private var counts = [UInt32](repeating: 0, count: 64 * 40)
  /// Number of durations.
  private(set) var total = 0

  /// Counts one.
  mutating func count(_ duration: Duration) {
    let microseconds =
      UInt64(max(0, duration.components.seconds)) * 1_000_000
      + UInt64(max(0, duration.components.attoseconds)) / 1_000_000_000_000
    counts[Self.slot(of: microseconds)] += 1
    total += 1
  }

  /// The duration that `percent` of all do not exceed; nil without durations.
  func percentile(_ percent: Int) -> Duration? {
    guard total > 0 else { return nil }
    let rank = max(1, (total * percent + 99) / 100)
    var seen = 0
    for (slot, count) in counts.enumerated() {
      seen += Int(count)
      if seen >= rank { return .microseconds(Self.middle(of: slot)) }
    }
    return nil
  }

  private static func slot(of microseconds: UInt64) -> Int {
    guard microseconds >= UInt64(parts) else { return Int(microseconds) }
    let power = 63 - microseconds.leadingZeroBitCount
    let part = Int(microseconds >> UInt64(power - 6)) - parts
    return min((power - 5) * parts + part, parts * 40 - 1)
  }

  private static func middle(of slot: Int) -> Int64 {
    guard slot >= parts else { return Int64(slot) }
    let shift = slot / parts - 1
    let low = Int64(slot % parts + parts) << Int64(shift)
    return low + (Int64(1) << Int64(shift)) / 2
  }
}
