// SPDX-License-Identifier: Apache-2.0
/// When and how an execution is stopped.
public struct RunLimits: Sendable, Equatable {
  /// Wall time after which it is stopped; nil for none.
  public var timeLimit: Duration?
  /// The first signal of the stop sequence; SIGTERM by default.
  public var stopSignal: Int32 = 15
  /// Grace period before SIGKILL.
  public var grace: Duration = .seconds(5)

  /// No time limit, SIGTERM, five seconds of grace.
  public init() {}
}
