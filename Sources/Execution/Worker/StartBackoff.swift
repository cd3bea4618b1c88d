// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// When the next worker may start after failures, and when to give up.
struct StartBackoff {
  private static let first = Duration.milliseconds(100)
  private static let longest = Duration.seconds(30)

  private let most: Int
  private var failures = 0
  /// The next start is not before this moment; nil if it may be immediately.
  private(set) var nextStart: MonotonicInstant?

  /// - Parameter most: failures in a row after which the caller gives up.
  init(most: Int) { self.most = most }

  /// A worker is ready.
  mutating func succeeded() { (failures, nextStart) = (0, nil) }

  /// A worker ended after it was ready and before its first answer.
  mutating func pause() { nextStart = max(nextStart ?? .now(), .now() + Self.first) }

  /// Starts that may be under way together: as many failures are left until the caller gives up.
  var room: Int { failures == 0 ? .max : most - failures }

  /// A worker could not start.
  ///
  /// - Returns: Whether to give up.
  mutating func failed(at now: MonotonicInstant) -> Bool {
    failures += 1
    nextStart = now + min(Self.longest, Self.first * (1 << min(failures - 1, 20)))
    return failures >= most
  }
}
