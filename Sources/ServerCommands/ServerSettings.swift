// SPDX-License-Identifier: Apache-2.0
public import HTTPService

/// The options of `serve`.
public struct ServerSettings: Sendable {
  /// Where it listens.
  public var addresses = ListenAddress.standard
  /// Names of the server beside those of this machine.
  public var allowedHosts: [String] = []
  /// Executions at a time.
  public var jobs = 1
  /// Calls that wait for a slot.
  public var queue = 2
  /// Bytes of a body.
  public var maxBody = 10 << 20
  /// Bytes of a result.
  public var maxOutput = 64 << 20
  /// The longest time limit; nil for that of the version, or five minutes.
  public var timeLimit: Duration?
  /// The first signal of the stop sequence.
  public var stopSignal: Int32 = 15
  /// From the stop signal to SIGKILL.
  public var grace = Duration.seconds(5)
  /// Time that running calls have at the end.
  public var drain = Duration.seconds(30)
  /// From the signal to the end until no more connections are taken.
  public var drainDelay = Duration.zero
  /// Whether an execution is canceled if its caller leaves.
  public var cancelsOnDisconnect = true
  /// Whether commands may be published.
  public var allowsPublish = false
  /// Whether requests need no key.
  public var needsNoKey = false
  /// Whether the access log is JSON.
  public var logsJSON = false
  /// Open connections.
  public var maxConnections = 4096
  /// Large results that are kept for their callers, each of which is an open file.
  public var keptFiles = 4096
  /// Holds inputs and results that are too large for memory.
  public var spillDirectory = "/tmp"

  /// Of this program, for metrics.
  public var programVersion = ""

  /// The defaults, for a machine with one processor.
  public init() {}
}
