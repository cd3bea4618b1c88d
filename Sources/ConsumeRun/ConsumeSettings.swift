// SPDX-License-Identifier: Apache-2.0
public import Execution
public import KafkaClient
public import RequestDispatch
public import RunModel

/// The settings of one member of a group.
public struct ConsumeSettings: Sendable {
  /// Which requests may run side by side.
  public enum Order: String, Sendable, CaseIterable { case none, key, partition }
  /// The source of a result's value.
  public enum ResultForm: String, Sendable, CaseIterable { case value, record }
  /// Where a partition without a committed offset begins, and the meaning of a committed offset that is gone.
  public enum Start: String, Sendable, CaseIterable { case earliest, latest, resume }

  /// The version that runs.
  public var version: PublishedVersion
  /// That version with its own command, or with another one.
  public var target: ExecutionTarget
  /// Topic, group and clients.
  public var group: GroupSettings
  /// Where partitions begin.
  public var start = Start.resume
  /// Which requests wait for one another.
  public var order = Order.none
  /// Offsets of a partition that may be done beyond the first that is not.
  public var window = 1024
  /// Requests that run at the same time.
  public var jobs = 1
  /// When and how each attempt is stopped.
  public var limits = RunLimits()
  /// Attempts of a failed request after its first.
  public var retries = RetryPolicy.none
  /// The value of results.
  public var resultForm = ResultForm.value
  /// Topics that a request may have its result sent to; nil for none.
  public var replyPattern: String?
  /// Longest time that a result waits for its commit.
  public var commitInterval = Duration.milliseconds(100)
  /// Results that are committed immediately, without that wait.
  public var commitCount = 1000
  /// Times that algo-run may die while it runs one request alone.
  public var maxCrashes = 3
  /// Whether it ends at the first failed request, whose offset is not committed.
  public var stopsOnFailure = false
  /// Time that running requests have at the end, and when their partition goes to another member.
  public var drain = Duration.seconds(30)
  /// Whether it ends where the topic ended at the start.
  public var endsAtEnd = false
  /// Whether the map of completed offsets is not read. Only for tests: completed requests run again.
  public var ignoresMap = false
  /// Whether commits leave out the records that a predecessor completed. Only for tests: completed requests run again.
  public var dropsInheritedMap = false
  /// Holds results that memory is too small for.
  public var spillDirectory = "/tmp"

  /// Settings with defaults.
  public init(version: PublishedVersion, target: ExecutionTarget, group: GroupSettings) {
    self.version = version
    self.target = target
    self.group = group
  }
}
