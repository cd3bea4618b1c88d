// SPDX-License-Identifier: Apache-2.0
/// The limits of one client.
public struct HTTPLimits: Sendable {
  /// Bytes of a request's body.
  public var maxBody = 10 << 20
  /// Open connections. Beyond it the one that is idle for longest is closed for a new one.
  public var maxConnections = 4096
  /// From the connection to the end of the first header, and until the first look at how fast a body or response moves.
  /// At each look it may stand still for at most twice this time.
  public var headerTime = Duration.seconds(10)
  /// From the end of a response to the end of the next header.
  public var idleTime = Duration.seconds(30)
  /// At the end of the server: how long clients that have begun to connect may take for it.
  public var handshakeTime = Duration.milliseconds(100)
  /// At the end of the server: how long a connection must be quiet to be closed as an idle one.
  public var drainIdleTime = Duration.seconds(1)
  /// Bytes a second in which bodies and responses must move.
  public var slowestRate = 1024
  /// Holds bodies that are too large for memory.
  public var spillDirectory = "/tmp"

  /// The default limits.
  public init() {}
}
