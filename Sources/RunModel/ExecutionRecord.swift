/// All there is to know about one finished execution: what `--report` writes and a batch result carries.
public struct ExecutionRecord: Sendable {
  /// The request's identifier.
  public var requestID: String
  /// The version that ran; nil for a bare command.
  public var version: PublishedVersion?
  /// How it ended.
  public var outcome: Outcome
  /// What the kernel said of the child; nil where it never started.
  public var termination: Termination?
  /// Executions of this request, the last included.
  public var attempts: Int
  /// When the child was launched.
  public var timestamp: Timestamp
  /// Wall time from launch to exit, by the monotonic clock.
  public var duration: Duration
  /// What the child and its waited-for descendants used.
  public var usage: ResourceUsage
  /// What it reported.
  public var metrics: CollectedMetrics
  /// The payload, whether or not it is published; nil without a version and where nothing ran.
  public var payload: [UInt8]?
  /// What became of the payload.
  public var delivery: Delivery
  /// Why it did not start, in a sentence.
  public var failure: String?

  /// A record of given parts.
  public init(
    requestID: String, version: PublishedVersion?, outcome: Outcome, termination: Termination?, attempts: Int,
    timestamp: Timestamp, duration: Duration, usage: ResourceUsage, metrics: CollectedMetrics, payload: [UInt8]?,
    delivery: Delivery, failure: String? = nil
  ) {
    self.requestID = requestID
    self.version = version
    self.outcome = outcome
    self.termination = termination
    self.attempts = attempts
    self.timestamp = timestamp
    self.duration = duration
    self.usage = usage
    self.metrics = metrics
    self.payload = payload
    self.delivery = delivery
    self.failure = failure
  }
}

/// What a child used.
public struct ResourceUsage: Sendable, Equatable {
  /// Time on a processor in user mode.
  public var userTime: Duration
  /// Time on a processor in the kernel.
  public var systemTime: Duration
  /// Peak resident memory in bytes; nil where it could not be told from the supervisor's own.
  public var peakMemoryBytes: Int64?

  /// Usage of given figures.
  public init(userTime: Duration, systemTime: Duration, peakMemoryBytes: Int64?) {
    self.userTime = userTime
    self.systemTime = systemTime
    self.peakMemoryBytes = peakMemoryBytes
  }

  /// Nothing ran.
  public static let none = ResourceUsage(userTime: .zero, systemTime: .zero, peakMemoryBytes: nil)
}
