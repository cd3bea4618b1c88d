// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import RunModel

/// A moment of the monotonic clock, which measures durations and deadlines. Setting the time of day does not move it.
public struct MonotonicInstant: Comparable, Sendable {
  /// Nanoseconds since an arbitrary start.
  let nanoseconds: Int64

  /// This moment.
  public static func now() -> MonotonicInstant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// The earlier moment is the smaller.
  public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The earlier of two moments, of which nil is never.
  public static func earliest(_ one: MonotonicInstant?, _ other: MonotonicInstant?) -> MonotonicInstant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  /// `moment` plus `span`; a span beyond centuries stops at the end of the clock.
  public static func + (moment: MonotonicInstant, span: Duration) -> MonotonicInstant {
    let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(span.wholeNanoseconds)
    return MonotonicInstant(nanoseconds: overflow ? .max : sum)
  }

  /// `moment` less `span`.
  public static func - (moment: MonotonicInstant, span: Duration) -> MonotonicInstant { moment + (.zero - span) }

  /// The time from `earlier` to `later`; negative in the other order.
  public static func - (later: MonotonicInstant, earlier: MonotonicInstant) -> Duration {
    later.duration(since: earlier)
  }

  /// The time from `earlier` to this moment.
  public func duration(since earlier: MonotonicInstant) -> Duration {
    Duration(wholeNanoseconds: nanoseconds - earlier.nanoseconds)
  }

  /// Milliseconds from `now` to this moment, rounded up so that a wait never ends early; at least 0.
  func millisecondsAway(from now: MonotonicInstant) -> Int32 {
    Int32(clamping: max(0, (nanoseconds - now.nanoseconds + 999_999) / 1_000_000))
  }
}
