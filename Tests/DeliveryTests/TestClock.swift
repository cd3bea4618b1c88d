// SPDX-License-Identifier: Apache-2.0
import Delivery
import Platform
import RunModel

/// A clock that stands still until a test moves it.
final class TestClock: DeliveryClock {
  private(set) var now = WallClock.now()
  private(set) var elapsed = MonotonicInstant.now()

  func advance(_ time: Duration) {
    now = now + time
    elapsed = elapsed + time
  }
}
