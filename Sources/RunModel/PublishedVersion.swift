// SPDX-License-Identifier: Apache-2.0
/// A version as it was published: immutable except for its Insights switch.
public struct PublishedVersion: Sendable, Equatable {
  /// Which algorithm.
  public let algorithm: AlgorithmName
  /// Which version of it.
  public let version: VersionNumber
  /// Program and arguments.
  public let command: [String]
  /// Where the command runs; nil for where `algo-run` was called.
  public let directory: String?
  /// Wall time after which an execution is stopped; nil for none.
  public let timeLimit: Duration?
  /// Variables added to the child's environment, in the order given.
  public let environment: [EnvironmentVariable]
  /// The publisher's notes.
  public let notes: String
  /// When it was published.
  public let publishedAt: Timestamp
  /// How its workers are run; nil if each request has a process of its own.
  public var worker: WorkerSettings?
  /// Whether payloads of its executions are published.
  public var insights: Bool
  /// `OWNER/NAME/VERSION`. Kept, since each of its executions writes it several times.
  public let reference: String

  /// A version with all its parts.
  public init(
    algorithm: AlgorithmName, version: VersionNumber, command: [String], directory: String?, timeLimit: Duration?,
    environment: [EnvironmentVariable], notes: String, publishedAt: Timestamp, worker: WorkerSettings? = nil,
    insights: Bool
  ) {
    self.algorithm = algorithm
    self.version = version
    self.command = command
    self.directory = directory
    self.timeLimit = timeLimit
    self.environment = environment
    self.notes = notes
    self.publishedAt = publishedAt
    self.worker = worker
    self.insights = insights
    reference = algorithm.description + "/" + version.description
  }
}
