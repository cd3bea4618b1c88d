// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// All that is needed to launch one child.
public struct SpawnConfiguration {
  /// Program and arguments; a program without a slash is looked for on the `PATH` of `environment`.
  public var command: [OSString]
  /// The child's whole environment, as `NAME=VALUE`.
  public var environment: [OSString]
  /// Its working directory; nil for the supervisor's.
  public var directory: String?
  /// Its descriptor 0; nil for the supervisor's own. The supervisor's copy is closed after the launch.
  public var standardInput: Descriptor?
  /// Descriptors of the child that the supervisor reads. Those of 1 and 2 not named here are inherited untouched.
  public var outputs: [OutputPipe] = []
  /// Descriptors 3 to 6 of the child that the supervisor does not read. Its copies are closed after the launch.
  public var passed: [(descriptor: Int32, source: Descriptor)] = []
  /// Notices its end in place of the caller of ``Supervisor/takeEndedChildren()``.
  public var watcher: (any ChildWatcher)?
  /// When and how it is stopped.
  public var limits = RunLimits()
  /// Whether members of the child's group may outlive it.
  public var keepsDescendants = false
  /// Whether the child shares the supervisor's controlling terminal, and is stopped and continued together with it. A
  /// child that does not has no controlling terminal at all.
  public var sharesTerminal = false

  /// Whether it waits for its turn when it wakes, instead of interrupting what runs: SCHED_BATCH of sched(7).
  public var isBatch = false

  /// A configuration to run `command`, everything else as by default.
  public init(command: [OSString], environment: [OSString], directory: String? = nil) {
    self.command = command
    self.environment = environment
    self.directory = directory
  }
}
