// SPDX-License-Identifier: Apache-2.0
public import Execution
public import ProcessSupervision
public import RequestDispatch
public import RunModel

/// The settings of a batch.
public struct BatchSettings {
  /// The version that runs.
  public let version: PublishedVersion
  /// That version with its own command, or with another one.
  public let target: ExecutionTarget
  /// The request files, `-` for standard input.
  public var files: [String]
  /// Whether lines are envelopes.
  public var takesEnvelopes = false
  /// The file of the results; nil for standard output.
  public var output: String?
  /// Longest wait for the reader of an output that is a named pipe; nil for no limit.
  public var openLimit: Duration?
  /// Whether results in the output are kept, and only other requests run.
  public var resumes = false
  /// Whether results in the output may be removed.
  public var overwrites = false
  /// Requests that run at the same time.
  public var jobs = 1
  /// When and how each attempt is stopped.
  public var limits = RunLimits()
  /// The trace that the batch was called within.
  public var trace: TraceContext?
  /// Attempts of a failed request after its first.
  public var retries = RetryPolicy.none
  /// When to start no more requests.
  public var halt: HaltRule?
  /// Whether results are in the order of their requests.
  public var keepsOrder = false
  /// Requests to run at most.
  public var limit: Int?
  /// Bytes to keep of a request's stdout.
  public var outputLimit = 64 << 20
  /// The form of progress.
  public var progress = ProgressStyle.auto
  /// Whether the summary is left out.
  public var isQuiet = false
  /// The directory for data that memory is too small for.
  public var spillDirectory: String
  /// Time to wait for undelivered payloads at the end.
  public var drainLimit: Duration = .seconds(240)

  /// A batch of `files` by `version`, with defaults for everything else.
  public init(version: PublishedVersion, command: [OSString]?, files: [String], spillDirectory: String) {
    self.version = version
    target = ExecutionTarget(version: version, command: command)
    self.files = files
    self.spillDirectory = spillDirectory
  }
}
