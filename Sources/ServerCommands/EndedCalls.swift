// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Ended calls, whose results can be fetched for an hour. Memory, files and descriptors are bounded: beyond a budget the
/// oldest are forgotten. Calls whose caller got the answer have a budget of their own, so that they never displace the
/// results of `output=void`, which exist nowhere else.
struct EndedCalls {
  /// What the calls of one kind may hold.
  private struct Budget {
    var calls: Int
    var bytes: Int
    var files: Int
    var fileBytes: Int
  }

  /// Calls of one kind, oldest first.
  private struct Line {
    private(set) var calls: [Call] = []
    private var first = 0
    private var held = Budget(calls: 0, bytes: 0, files: 0, fileBytes: 0)
    let budget: Budget

    init(_ budget: Budget) { self.budget = budget }

    mutating func add(_ call: Call) {
      calls.append(call)
      count(call, 1)
    }

    /// Removes the oldest call if it is too old, or more is held than the budget allows.
    mutating func takeOldest(endedBefore limit: MonotonicInstant) -> Call? {
      guard first < calls.count else { return nil }
      let call = calls[first]
      let isOver =
        held.calls > budget.calls || held.bytes > budget.bytes || held.files > budget.files
        || held.fileBytes > budget.fileBytes
      guard isOver || (call.endedAt ?? limit) < limit else { return nil }
      count(call, -1)
      first += 1
      if first > 1024, first > calls.count / 2 {
        calls.removeFirst(first)
        first = 0
      }
      return call
    }

    private mutating func count(_ call: Call, _ sign: Int) {
      held.calls += sign
      held.bytes += sign * call.output.bytes.count
      guard call.output.file != nil else { return }
      held.files += sign
      held.fileBytes += sign * call.output.count
    }
  }

  /// How long a result can be fetched.
  private static let retention = Duration.seconds(3600)

  private var answered = Line(Budget(calls: 4096, bytes: 8 << 20, files: 16, fileBytes: 256 << 20))
  private var unanswered = Line(Budget(calls: 32_768, bytes: 64 << 20, files: 256, fileBytes: 4 << 30))

  mutating func add(_ call: Call) {
    if call.parameters.output == .void { unanswered.add(call) } else { answered.add(call) }
  }

  /// The next call to forget; nil if there is none now.
  mutating func takeOldest(at now: MonotonicInstant) -> Call? {
    let limit = now - Self.retention
    if let call = answered.takeOldest(endedBefore: limit) { return call }
    return unanswered.takeOldest(endedBefore: limit)
  }
}
