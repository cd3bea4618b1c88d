/// How long a failed request waits before its next attempt: twice as long each time, up to a bound, and a random part
/// of it, so that requests that failed together do not come back together.
struct Backoff {
  /// The longest wait.
  static let longest = Duration.seconds(30)

  /// The wait after the first attempt, before chance takes up to half of it.
  let first: Duration

  /// The wait after attempt number `attempt`, counted from 1.
  func delay(after attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
    let doubled = first * (1 << min(attempt - 1, 20))
    let full = min(doubled, max(first, Self.longest))
    return full / 2 + full / 2 * Double.random(in: 0...1, using: &generator)
  }
}
