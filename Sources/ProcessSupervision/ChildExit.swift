// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// How a child ended. Exists only once it has.
public struct ChildExit: Sendable {
  /// The kernel's report.
  public let termination: Termination
  /// Whether its time limit ended it.
  public let timedOut: Bool
  /// Wall time from launch to exit.
  public let duration: Duration
  /// Its resources and those of the descendants that it waited for; nil if the kernel does not report them.
  public let usage: ResourceUsage?
}
