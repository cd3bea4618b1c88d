// SPDX-License-Identifier: Apache-2.0
package import Platform
package import RunModel

/// The time that delivery goes by.
package protocol DeliveryClock {
  /// The time of day, for delivery windows and attempts: they outlive a process.
  var now: Timestamp { get }
  /// Monotonic time, for the pauses of one process.
  var elapsed: MonotonicInstant { get }
}

/// The clocks of the machine.
package struct SystemClock: DeliveryClock {
  package var now: Timestamp { WallClock.now() }
  package var elapsed: MonotonicInstant { .now() }
  package init() {}
}
