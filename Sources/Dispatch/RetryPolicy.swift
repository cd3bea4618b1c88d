// SPDX-License-Identifier: Apache-2.0
/// How often a failed request is tried again, and how long it waits before: twice as long each time, up to a bound. A
/// random part of the wait keeps requests that failed together from coming back together.
public struct RetryPolicy: Equatable, Sendable {
  /// No attempt after the first.
  public static let none = RetryPolicy(limit: 0)
  /// For a request that the system had no process or descriptor for. After these 25 seconds it is a limit that is not
  /// going to pass.
  static let postponement = RetryPolicy(limit: 9, firstDelay: .milliseconds(50))

  /// Attempts after the first.
  public var limit: Int
  /// The wait before the first of them, before chance takes up to half of it.
  public var firstDelay: Duration
  /// The longest wait.
  public var longestDelay: Duration

  /// A policy of `limit` attempts after the first.
  public init(limit: Int, firstDelay: Duration = .milliseconds(500), longestDelay: Duration = .seconds(30)) {
    self.longestDelay = longestDelay
    self.limit = limit
    self.firstDelay = firstDelay
  }

  /// The wait after attempt number `attempt`, counted from 1.
  func delay(after attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
    let doubled = firstDelay * (1 << min(attempt - 1, 20))
    let full = min(doubled, max(firstDelay, longestDelay))
    return full / 2 + full / 2 * Double.random(in: 0...1, using: &generator)
  }
}
