// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import RunModel

/// `--timeout`, `--stop-signal` and `--grace`, which `exec` and `batch` share.
struct Stopping {
  static let options: [Option] = [
    .value("timeout", "D", help: "Stop an execution after this wall time, such as 500ms, 30s or 4m."),
    .value(
      "stop-signal", "SIGNAL", default: "TERM", help: "First signal of the stop sequence, by name or number."),
    .value("grace", "D", default: "5s", help: "Grace period before SIGKILL."),
  ]

  /// As given; without a time limit if none was.
  let limits: RunLimits

  init(_ invocation: Invocation) throws(UsageError) {
    var limits = RunLimits()
    limits.timeLimit = try SharedOptions.timeLimit(invocation)
    limits.stopSignal = try SharedOptions.signal(invocation, "stop-signal")
    limits.grace = try SharedOptions.duration(invocation, "grace") ?? limits.grace
    self.limits = limits
  }

  /// With the time limit of the version if none was given.
  func limits(for version: PublishedVersion?) -> RunLimits {
    var limits = limits
    limits.timeLimit = limits.timeLimit ?? version?.timeLimit
    return limits
  }
}
