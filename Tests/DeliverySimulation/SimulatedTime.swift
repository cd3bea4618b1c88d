// SPDX-License-Identifier: Apache-2.0
import Delivery
import Platform
import RunModel

/// Both clocks of a simulated machine.
final class SimulatedTime: DeliveryClock {
  private(set) var now = Timestamp(microseconds: 1_700_000_000_000_000)
  private(set) var elapsed = MonotonicInstant.now()
  /// The latest time of day so far: windows may have ended by it even if the clock was set back since.
  private(set) var latest = Timestamp(microseconds: 1_700_000_000_000_000)

  func advance(_ time: Duration) {
    elapsed = elapsed + time
    set(now + time)
  }

  /// Sets the time of day, as an administrator or NTP does.
  func step(_ time: Duration) { set(now + time) }

  private func set(_ moment: Timestamp) {
    now = moment
    latest = max(latest, moment)
  }
}
