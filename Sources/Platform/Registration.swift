// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// Reacts to a descriptor. An object with state of its own; it keeps its ``Registration``, and the loop does not keep
/// the handler alive.
public protocol EventHandler: AnyObject {
  /// Called on the loop's thread, inside a turn, while the descriptor is ready for `events`.
  func ready(_ registration: Registration, for events: Interest)
}

/// One descriptor in the epoll set of a loop. Leaves it by ``cancel()`` or with the last reference.
public final class Registration {
  private let loop: EventLoop
  private let descriptor: Descriptor
  let key: UInt64
  unowned let handler: any EventHandler
  private var isActive = true

  init(_ descriptor: Descriptor, in loop: EventLoop, key: UInt64, handler: any EventHandler) {
    self.descriptor = descriptor
    self.loop = loop
    self.key = key
    self.handler = handler
  }

  deinit { cancel() }

  /// Replaces the interest, and arms a one-time interest again.
  public func change(to interest: Interest) {
    guard isActive else { return }
    // It cannot fail: the descriptor is in the set, and changing it takes no memory.
    _ = loop.set.withNumber { set in descriptor.withNumber { event_set_change(set, $0, interest.rawValue, key) } }
  }

  /// Takes the descriptor out of the set: the handler is not called again, even for events of this turn. Call it before
  /// the descriptor is closed.
  public func cancel() {
    guard isActive else { return }
    isActive = false
    loop.set.withNumber { set in descriptor.withNumber { event_set_remove(set, $0) } }
    loop.forget(key)
  }
}
