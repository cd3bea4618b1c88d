// SPDX-License-Identifier: Apache-2.0
/// Resources that an execution used.
public struct ResourceUsage: Sendable, Equatable {
  /// Time on a processor in user mode.
  public var userTime: Duration
  /// Time on a processor in the kernel.
  public var systemTime: Duration
  /// Peak resident memory in bytes; nil if it cannot be separated from the supervisor's own.
  public var peakMemoryBytes: Int64?

  /// Usage of given figures.
  public init(userTime: Duration, systemTime: Duration, peakMemoryBytes: Int64?) {
    self.userTime = userTime
    self.systemTime = systemTime
    self.peakMemoryBytes = peakMemoryBytes
  }
}
