// SPDX-License-Identifier: Apache-2.0
/// Reacts to a timer. The loop does not keep it alive.
public protocol TimerHandler: AnyObject {
  /// Called on the loop's thread, once for each time the timer was set, at its moment or later.
  func fired(_ timer: Timer, at now: MonotonicInstant)
}

/// A moment at which a loop calls a handler. Goes with its last reference.
public final class Timer {
  private let loop: EventLoop
  unowned let handler: any TimerHandler
  /// Its place in the loop's heap; nil while it is not set.
  var position: Int?

  init(in loop: EventLoop, handler: any TimerHandler) {
    self.loop = loop
    self.handler = handler
  }

  deinit { cancel() }

  /// Sets or moves it; nil cancels it.
  public func set(to moment: MonotonicInstant?) {
    guard let moment else { return cancel() }
    loop.timers.set(self, to: moment)
  }

  /// The handler is not called until it is set again.
  public func cancel() { loop.timers.remove(self) }
}
