// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// When to print how many lines of metrics came after the answer of their request: at most once a second while requests
/// run. The whole count is printed at the end.
public struct LateReport {
  private static let pause = Duration.seconds(1)

  private var reported = 0
  private var next: MonotonicInstant?

  /// Nothing was printed yet.
  public init() {}

  /// The line to print now about `count` lines in all.
  public mutating func due(_ count: Int) -> String? {
    guard count > reported else { return nil }
    let now = MonotonicInstant.now()
    if let next, now < next { return nil }
    (reported, next) = (count, now + Self.pause)
    return Self.sentence(count)
  }

  /// The line about `count` lines.
  public static func sentence(_ count: Int) -> String {
    "\(count) metric line\(count == 1 ? "" : "s") rejected: late (written after the answer of their request); report "
      + "before apply returns."
  }
}
