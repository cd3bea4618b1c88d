// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// When the next worker may start after failures, and when to give up.
struct StartBackoff {
  private static let first = Duration.milliseconds(100)
  private static let longest = Duration.seconds(30)

  private let most: Int
  private var failures = 0
  private var lastFailure: MonotonicInstant?
  /// The next start is not before this moment; nil if it may be at once.
  private(set) var nextStart: MonotonicInstant?

  /// - Parameter most: failures in a row after which the caller gives up.
  init(most: Int) { self.most = most }

  /// A worker is ready.
  mutating func succeeded() { (failures, nextStart) = (0, nil) }

  /// A worker ended after it was ready and before its first answer.
  mutating func pause() { nextStart = max(nextStart ?? .now(), .now() + Self.first) }

  /// A worker could not start. Workers that were launched before the last failure do not count again.
  ///
  /// - Returns: Whether to give up.
  mutating func failed(launchedAt: MonotonicInstant, isFinal: Bool) -> Bool {
    let now = MonotonicInstant.now()
    if lastFailure.map({ launchedAt > $0 }) ?? true {
      failures += 1
      nextStart = now + min(Self.longest, Self.first * (1 << min(failures - 1, 20)))
      lastFailure = now
    }
    return isFinal || failures >= most
  }
}
