// SPDX-License-Identifier: Apache-2.0
import Delivery
import Platform
import RunModel

/// A clock that only a test moves.
final class TestClock: DeliveryClock {
  private(set) var now = WallClock.now()
  private(set) var elapsed = MonotonicInstant.now()

  func advance(_ time: Duration) {
    now = now + time
    elapsed = elapsed + time
  }
}
