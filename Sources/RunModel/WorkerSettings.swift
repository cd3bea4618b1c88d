// SPDX-License-Identifier: Apache-2.0
/// How the workers of a version are run: the version's defaults, or others in their place.
public struct WorkerSettings: Sendable, Equatable {
  /// Whether each request runs in a fork of the loaded program.
  public var isolates = false
  /// Time that a worker has until it is ready.
  public var initTimeout = Duration.seconds(300)
  /// Requests after which a worker is replaced; 0 for never.
  public var maxRequests = 0
  /// Resident memory beyond which a worker is replaced; nil for no limit.
  public var maxResidentBytes: Int?
  /// Time without a request after which a worker ends; nil for never.
  public var idle: Duration?
  /// Time that running requests have once no more are taken.
  public var drain = Duration.seconds(30)

  /// The defaults of `publish --worker`.
  public init() {}

  /// Requests after which one worker is replaced: not all at the same time; 0 for never.
  public func requestQuota() -> Int {
    let jitter = maxRequests / 10
    return maxRequests + (jitter > 0 ? Int.random(in: -jitter...jitter) : 0)
  }
}
