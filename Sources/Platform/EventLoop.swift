// SPDX-License-Identifier: Apache-2.0
internal import CPlatform

/// One epoll set, its timers and a waker: everything that a thread waits for. Belongs to one thread.
///
/// ## Theory of operation
///
/// The owner calls ``turn(until:)`` in a loop. A turn waits, then calls the handlers of ready descriptors, then those
/// of due timers. Handlers change only their own state and keep their completions; the owner takes completions
/// and mail *after* the turn. So no handler runs inside another, and starting new work from a completion is safe.
///
/// The cost of a turn depends on the ready descriptors and due timers: neither idle descriptors nor timers that are not
/// due are visited.
///
/// The loop does not keep handlers alive. A handler keeps its ``Registration`` or ``Timer``, and these keep the loop.
public final class EventLoop {
  /// Reports taken in one turn; more come in the next.
  private static let capacity = 64

  private struct Slot {
    /// Increases each time the slot is used again: an event of a former registration is recognised by it.
    var generation: UInt32 = 0
    unowned var registration: Registration?
  }

  let set: Descriptor
  /// Ends a turn from other threads. For messages use a ``Mailbox``.
  public let waker: Waker
  var timers = TimerHeap()
  private var slots: [Slot] = []
  private var freeSlots: [Int] = []
  private var isTurning = false
  private var patience = Patience()

  /// - Throws: the system's error if it has no descriptor left.
  public init() throws(SystemError) {
    var opened: CInt = -1
    try SystemError.check(unsafe event_set_open(&opened))
    let set = Descriptor(owning: opened)
    self.set = set
    let waker = try Waker()
    self.waker = waker
    try SystemError.check(
      set.withNumber { set in waker.withNumber { event_set_add(set, $0, Interest.read.rawValue, .max) } })
  }

  /// Calls `handler` in turns in which `descriptor` is ready. The caller keeps the registration.
  ///
  /// - Throws: EPERM for a regular file, which is always ready; ENOSPC or ENOMEM beyond the system's limits.
  public func register(
    _ descriptor: Descriptor, _ interest: Interest, _ handler: any EventHandler
  ) throws(SystemError) -> Registration {
    let index = freeSlots.last ?? slots.count
    let generation = index < slots.count ? slots[index].generation &+ 1 : 0
    let key = UInt64(generation) << 32 | UInt64(index)
    try SystemError.check(
      set.withNumber { set in descriptor.withNumber { event_set_add(set, $0, interest.rawValue, key) } })
    let registration = Registration(descriptor, in: self, key: key, handler: handler)
    let slot = Slot(generation: generation, registration: registration)
    if freeSlots.popLast() == nil { slots.append(slot) } else { slots[index] = slot }
    return registration
  }

  /// A timer that calls `handler` at `moment`, or that is not set yet. The caller keeps it.
  public func schedule(at moment: MonotonicInstant? = nil, _ handler: any TimerHandler) -> Timer {
    let timer = Timer(in: self, handler: handler)
    timer.set(to: moment)
    return timer
  }

  /// Waits until a descriptor is ready, a timer is due, the waker was used or `deadline` has come, and calls the
  /// handlers. Returns early if there is nothing to do; waits for ever if there is no deadline and no timer.
  public func turn(until deadline: MonotonicInstant? = nil) {
    precondition(!isTurning, "a handler must not start a turn")
    isTurning = true
    defer { isTurning = false }
    let earliest = timers.earliest
    let end = deadline.map { min($0, earliest ?? $0) } ?? earliest
    wait(milliseconds: end.map { $0.millisecondsAway(from: .now()) } ?? -1)
    guard timers.earliest != nil else { return }
    let now = MonotonicInstant.now()
    while let timer = timers.takeDue(at: now) { timer.handler.fired(timer, at: now) }
  }

  private func wait(milliseconds: Int32) {
    unsafe withUnsafeTemporaryAllocation(of: ready_event.self, capacity: Self.capacity) { reports in
      func look(for span: Int32) -> Int32 {
        set.withNumber { unsafe event_set_wait($0, reports.baseAddress, Int32(Self.capacity), span) }
      }
      let count =
        milliseconds == 0
        ? look(for: 0) : patience.wait(look: { look(for: 0) }, sleep: { look(for: milliseconds) })
      for index in 0..<Int(count) {
        let report = unsafe reports[index]
        if report.key == .max {
          waker.clear()
        } else if let registration = registration(for: report.key) {
          registration.handler.ready(registration, for: Interest(rawValue: report.interest))
        }
      }
    }
  }

  /// Nil if the registration was cancelled earlier in this turn.
  private func registration(for key: UInt64) -> Registration? {
    let slot = slots[Int(key & 0xffff_ffff)]
    return slot.generation == UInt32(key >> 32) ? slot.registration : nil
  }

  func forget(_ key: UInt64) {
    let index = Int(key & 0xffff_ffff)
    slots[index].registration = nil
    freeSlots.append(index)
  }
}
