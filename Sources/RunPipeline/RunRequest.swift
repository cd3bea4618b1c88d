internal import Glibc
public import Platform
public import ProcessSupervision
public import RunModel

/// One execution asked for: which version on which input, and how it is stopped.
public struct RunRequest {
  /// What the execution is known by.
  public var requestID: String
  /// The version that runs; nil for a bare command.
  public var version: PublishedVersion?
  /// Program and arguments.
  public var command: [OSString]
  /// Where it runs; nil for where algo-run runs.
  public var directory: String?
  /// Wall time after which it is stopped; nil for none.
  public var timeLimit: Duration?
  /// The signal it is stopped with.
  public var stopSignal: Int32 = SIGTERM
  /// How long after that signal SIGKILL follows.
  public var grace: Duration = .seconds(5)
  /// Whether its descendants may outlive it.
  public var keepsDescendants = false
  /// Whether it shares algo-run's controlling terminal.
  public var sharesTerminal = false
  /// Its descriptor 0; nil for algo-run's own.
  public var standardInput: Descriptor?
  /// Its descriptors 1 and 2, where they are captured rather than inherited.
  public var outputs: [OutputPipe] = []

  /// A request to run `version` as it was published, or another command in its place.
  public init(requestID: String, version: PublishedVersion?, command: [OSString]) {
    self.requestID = requestID
    self.version = version
    self.command = command
    directory = version?.directory
    timeLimit = version?.timeLimit
  }
}
