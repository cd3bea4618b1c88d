// SPDX-License-Identifier: Apache-2.0
/// Set timers, the earliest first: a binary heap. A timer knows its place, so that one that is cancelled leaves
/// immediately and many short executions with long time limits do not fill memory.
struct TimerHeap {
  private struct Entry {
    let moment: MonotonicInstant
    unowned let timer: Timer
  }

  private var entries: [Entry] = []

  /// When the earliest is due.
  var earliest: MonotonicInstant? { entries.first?.moment }

  /// Takes out the earliest if it is due.
  mutating func takeDue(at now: MonotonicInstant) -> Timer? {
    guard let first = entries.first, first.moment <= now else { return nil }
    let timer = first.timer
    remove(timer)
    return timer
  }

  mutating func set(_ timer: Timer, to moment: MonotonicInstant) {
    let entry = Entry(moment: moment, timer: timer)
    if let position = timer.position {
      entries[position] = entry
      settle(position)
    } else {
      entries.append(entry)
      timer.position = entries.count - 1
      settle(entries.count - 1)
    }
  }

  mutating func remove(_ timer: Timer) {
    guard let position = timer.position else { return }
    timer.position = nil
    let last = entries.removeLast()
    guard position < entries.count else { return }
    entries[position] = last
    last.timer.position = position
    settle(position)
  }

  /// Moves the entry at `start` up or down to where it belongs.
  private mutating func settle(_ start: Int) {
    var position = start
    while position > 0, entries[position].moment < entries[(position - 1) / 2].moment {
      swap(position, (position - 1) / 2)
      position = (position - 1) / 2
    }
    while true {
      let left = 2 * position + 1
      guard left < entries.count else { return }
      let right = left + 1
      let child = right < entries.count && entries[right].moment < entries[left].moment ? right : left
      guard entries[child].moment < entries[position].moment else { return }
      swap(position, child)
      position = child
    }
  }

  private mutating func swap(_ one: Int, _ other: Int) {
    entries.swapAt(one, other)
    entries[one].timer.position = one
    entries[other].timer.position = other
  }
}
