// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Waits without sleep as long as waits are brief.
///
/// To put a processor to sleep and to wake it takes longer than a short request of a worker. So a wait that comes after a
/// brief one lets other threads run and looks again, for ``briefly`` at most, before it sleeps. Where another thread then
/// keeps the processor, sleeping is better, for a thread that wakes gets it back: then no wait looks again for a while.
struct Patience {
  private static let briefly = Duration.microseconds(60)
  /// Time for which another thread keeps a processor that it was let have, if it does not soon wait itself.
  private static let long = Duration.microseconds(500)
  private static let restraint = Duration.milliseconds(100)

  private var wasBrief = false
  private var nextTry: MonotonicInstant?

  /// Waits until `look` or, in the end, `sleep` finds something.
  ///
  /// - Returns: what was found; not positive for nothing.
  mutating func wait(look: () -> Int32, sleep: () -> Int32) -> Int32 {
    var now = MonotonicInstant.now()
    let end = now + Self.briefly
    var found: Int32 = 0
    if wasBrief, nextTry.map({ $0 <= now }) ?? true {
      found = look()
      while found == 0, now < end {
        sched_yield()
        found = look()
        let after = MonotonicInstant.now()
        if after > now + Self.long { nextTry = after + Self.restraint }
        now = after
      }
    }
    if found == 0 {
      found = sleep()
      now = .now()
    }
    wasBrief = now < end
    return found
  }
}
