internal import Platform
internal import ProcessSupervision

/// Failed requests that wait for their next attempt. They hold no slot meanwhile.
struct RetryQueue {
  private var waiting: [(due: MonotonicInstant, attempt: Attempt)] = []
  private var generator = SystemRandomNumberGenerator()

  /// How many wait.
  var count: Int { waiting.count }
  /// Whether none waits.
  var isEmpty: Bool { waiting.isEmpty }
  /// When the first is due.
  var nextDue: MonotonicInstant? { waiting.map(\.due).min() }

  /// Whether one waits that the system had no room for.
  var holdsPostponed: Bool { waiting.contains { $0.attempt.postponements > 0 } }

  /// Lets `attempt` wait, the longer the more often it was tried.
  mutating func add(_ attempt: Attempt, after backoff: Backoff, tries: Int) {
    let delay = backoff.delay(after: tries, using: &generator)
    waiting.append((.now() + delay, attempt))
  }

  /// One that is due; any, where `all` are wanted.
  mutating func take(at now: MonotonicInstant, all: Bool) -> Attempt? {
    guard let index = waiting.firstIndex(where: { all || $0.due <= now }) else { return nil }
    return waiting.remove(at: index).attempt
  }

  /// Forgets all.
  mutating func clear() { waiting.removeAll() }
}
