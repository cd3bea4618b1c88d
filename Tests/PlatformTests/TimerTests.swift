// SPDX-License-Identifier: Apache-2.0
import Platform
import Testing

@Suite("Timers of the event loop")
struct TimerTests {
  let loop: EventLoop
  let journal = Journal()

  init() throws { loop = try EventLoop() }

  @Test func `timers fire in the order of their moments, and once`() {
    let start = MonotonicInstant.now()
    let recorders = ["first", "second", "third"].map { TimerRecorder($0, in: journal) }
    let timers = [2, 0, 1].map { loop.schedule(at: start + .milliseconds($0), recorders[$0]) }
    while journal.lines.count < 3 { loop.turn() }
    loop.turn(until: .now())
    #expect(journal.lines == ["first", "second", "third"])
    withExtendedLifetime(timers) {}
  }

  @Test func `no timer fires early`() {
    let moment = MonotonicInstant.now() + .microseconds(300)
    let recorder = TimerRecorder("fired", in: journal)
    var firedAt: MonotonicInstant?
    recorder.reaction = { firedAt = $1 }
    let timer = loop.schedule(at: moment, recorder)
    while firedAt == nil { loop.turn() }
    #expect(firedAt.map { $0 >= moment } == true)
    withExtendedLifetime(timer) {}
  }

  @Test func `a cancelled timer, a released one and one that was moved do not fire at their old moment`() {
    let recorder = TimerRecorder("fired", in: journal)
    let past = MonotonicInstant.now()
    let cancelled = loop.schedule(at: past, recorder)
    var released: Timer? = loop.schedule(at: past, recorder)
    let moved = loop.schedule(at: past, recorder)
    cancelled.cancel()
    if released != nil { released = nil }
    moved.set(to: past + .seconds(3600))
    loop.turn(until: .now())
    #expect(journal.lines.isEmpty)
    moved.set(to: past)
    loop.turn()
    #expect(journal.lines == ["fired"])
  }

  @Test func `a handler may set its timer again, and cancel that of another`() {
    let other = TimerRecorder("other", in: journal)
    let past = MonotonicInstant.now()
    let recorder = TimerRecorder("mine", in: journal)
    let otherTimer = loop.schedule(at: past + .nanoseconds(1), other)
    recorder.reaction = { timer, now in
      otherTimer.cancel()
      if journal.lines.count < 3 { timer.set(to: now + .nanoseconds(1)) }
    }
    let timer = loop.schedule(at: past, recorder)
    while journal.lines.count < 3 { loop.turn() }
    loop.turn(until: .now())
    #expect(journal.lines == ["mine", "mine", "mine"])
    withExtendedLifetime(timer) {}
  }

  @Test func `any order of setting, moving and cancelling leaves the others in order`() {
    var generator = SeededGenerator(state: 20_260_101)
    let base = MonotonicInstant.now()
    let recorders = (0..<200).map { TimerRecorder("\($0)", in: journal) }
    let timers = recorders.map { loop.schedule($0) }
    var moments: [Int: Int] = [:]
    for step in 0..<2_000 {
      let index = Int.random(in: 0..<200, using: &generator)
      if Bool.random(using: &generator) {
        // Distinct moments, so that there is one right order.
        moments[index] = Int.random(in: 0..<1_000, using: &generator) * 2_000 + step
        timers[index].set(to: base + .nanoseconds(moments[index] ?? 0))
      } else {
        moments[index] = nil
        timers[index].cancel()
      }
    }
    let expected = moments.sorted { $0.value < $1.value }.map { "\($0.key)" }
    while journal.lines.count < expected.count { loop.turn() }
    loop.turn(until: .now())
    #expect(journal.lines == expected)
  }
}

/// A fixed sequence: a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 33
  }
}
