// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Ends a turn of the loop, once each time it is asked to, when a descriptor is ready.
///
/// Standard input is ready most of the time while no slot is free, and would keep the loop spinning: so the interest is
/// one-time, and armed only while the batch waits for it.
final class ReadinessGate: EventHandler {
  private let loop: EventLoop
  private let interest: Interest
  private var armed: (descriptor: Descriptor, registration: Registration)?

  init(for interest: Interest, on loop: EventLoop) {
    self.interest = [interest, .once]
    self.loop = loop
  }

  /// Ends the turn in which `descriptor` becomes ready. It replaces the one of the call before.
  func wait(for descriptor: Descriptor) {
    if let armed, armed.descriptor === descriptor { return armed.registration.change(to: interest) }
    armed = nil
    // A regular file is always ready: nothing waits for it.
    armed = (try? loop.register(descriptor, interest, self)).map { (descriptor, $0) }
  }

  func ready(_ registration: Registration, for events: Interest) {}
}
