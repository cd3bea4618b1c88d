public import Execution
public import ProcessSupervision
public import RunModel

/// All that a command line says about a batch.
public struct BatchSettings {
  /// The version that runs.
  public let version: PublishedVersion
  /// The same with its command, or with another one in its place.
  public let target: ExecutionTarget
  /// The request files, `-` for standard input.
  public var files: [String]
  /// Whether lines are envelopes.
  public var takesEnvelopes = false
  /// Where results go; nil for standard output.
  public var output: String?
  /// Longest wait for the reader of an output that is a named pipe; nil for no limit.
  public var openLimit: Duration?
  /// Whether the output's results are gone on with.
  public var resumes = false
  /// Whether the output's results may be thrown away.
  public var overwrites = false
  /// Requests that run at the same time.
  public var jobs = 1
  /// When and how each attempt is stopped.
  public var limits = RunLimits()
  /// The trace that the batch was called within.
  public var trace: TraceContext?
  /// Attempts of a request after its first.
  public var retries = 0
  /// The wait before the first of them.
  public var retryDelay: Duration = .milliseconds(500)
  /// When to give up.
  public var halt: HaltRule?
  /// Whether results stand in the order of their requests.
  public var keepsOrder = false
  /// Most requests that are run.
  public var limit: Int?
  /// Bytes of a request's stdout that are kept.
  public var outputLimit = 64 << 20
  /// How progress is shown.
  public var progress = ProgressStyle.auto
  /// Whether the summary is left out.
  public var isQuiet = false
  /// Where data beyond memory goes.
  public var spillDirectory: String
  /// How long undelivered payloads are waited for at the end.
  public var drainLimit: Duration = .seconds(240)

  /// A batch of `files` by `version`, everything else as by default.
  public init(version: PublishedVersion, command: [OSString]?, files: [String], spillDirectory: String) {
    self.version = version
    target = ExecutionTarget(version: version, command: command)
    self.files = files
    self.spillDirectory = spillDirectory
  }
}
