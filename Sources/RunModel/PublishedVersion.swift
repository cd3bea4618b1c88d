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
  }

  /// `OWNER/NAME/VERSION`.
  public var reference: String { algorithm.description + "/" + version.description }
}

/// `NAME=VALUE`.
public struct EnvironmentVariable: Sendable, Equatable {
  /// Before the first `=`.
  public let name: String
  /// After it.
  public let value: String

  /// The names that algo-run itself sets, for every child or for workers. None is inherited: a program that found the
  /// variables of a worker would look for requests on descriptors that it does not have.
  public static let supervisorNames: [String] = [
    "ALGO_METRICS_FD", "ALGO_REQUEST_ID", "ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION", "ALGO_WORKER",
    "ALGO_WORKER_ISOLATION",
  ]

  /// A variable of a given name and value.
  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  /// Takes `NAME=VALUE`; nil without a name or without `=`.
  public init?(parsing text: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    self.init(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
  }
}
