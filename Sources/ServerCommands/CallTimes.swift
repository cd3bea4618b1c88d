// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel

/// How long the last executions took: the answer to a refused caller says when a slot is likely to be free.
struct CallTimes {
  private static let size = 64
  private static let longestDelay = 300
  private var durations: [Duration] = []
  private var next = 0

  mutating func add(_ duration: Duration) {
    if durations.count < Self.size { durations.append(duration) } else { durations[next] = duration }
    next = (next + 1) % Self.size
  }

  /// The value of `Retry-After` if `waiting` calls come before and `jobs` run at a time: whole seconds by the median,
  /// at least one.
  func retryDelay(waiting: Int, jobs: Int) -> Int {
    guard !durations.isEmpty else { return 1 }
    let median = durations.sorted()[durations.count / 2]
    let seconds = (median * (waiting + 1) / max(1, jobs)).wholeMicroseconds / 1_000_000 + 1
    return min(Int(seconds), Self.longestDelay)
  }
}
