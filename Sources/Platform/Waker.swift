// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// Ends the current or next turn of a loop, from any thread. Any number of wakes before that turn count as one.
public final class Waker: Sendable {
  let descriptor: Descriptor

  init() throws(SystemError) {
    var opened: CInt = -1
    try SystemError.check(unsafe open_event_counter(&opened))
    descriptor = Descriptor(owning: opened)
  }

  /// Wakes the loop.
  public func wake() {
    var one: UInt64 = 1
    // EAGAIN: the counter is full, so the loop is awake.
    _ = descriptor.withNumber { unsafe write($0, &one, 8) }
  }

  /// Lends the eventfd to code that wakes the loop itself: it writes the eight bytes of ``message``.
  public func withNumber<Result>(_ body: (Int32) -> Result) -> Result { descriptor.withNumber(body) }

  /// The number 1 as the kernel takes it.
  public static let message: UInt64 = 1

  func clear() {
    var count: UInt64 = 0
    _ = descriptor.withNumber { unsafe read($0, &count, 8) }
  }
}
