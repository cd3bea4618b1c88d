// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// A version to publish, without the parts that the store decides.
public struct VersionSpec: Sendable {
  /// How the version gets its number.
  public enum Numbering: Sendable, Equatable {
    /// This one, which must be free.
    case exactly(VersionNumber)
    /// The latest with this part raised; 1.0.0 for the first.
    case raising(VersionNumber.Part)
  }

  /// Which algorithm.
  public var algorithm: AlgorithmName
  /// How the version gets its number.
  public var numbering: Numbering
  /// Program and arguments.
  public var command: [String]
  /// Where the command runs; nil for where `algo-run` is called.
  public var directory: String?
  /// Wall time after which an execution is stopped; nil for none.
  public var timeLimit: Duration?
  /// Variables added to the child's environment, in order.
  public var environment: [EnvironmentVariable]
  /// How its workers are run; nil for a process for each request.
  public var worker: WorkerSettings?
  /// The publisher's notes.
  public var notes: String
  /// Whether payloads are published; nil for what holds for the latest version, off for the first.
  public var insights: Bool?

  /// A publication of given parts.
  public init(
    algorithm: AlgorithmName, numbering: Numbering = .raising(.revision), command: [String], directory: String? = nil,
    timeLimit: Duration? = nil, environment: [EnvironmentVariable] = [], worker: WorkerSettings? = nil,
    notes: String = "", insights: Bool? = nil
  ) {
    self.algorithm = algorithm
    self.numbering = numbering
    self.command = command
    self.directory = directory
    self.timeLimit = timeLimit
    self.environment = environment
    self.worker = worker
    self.notes = notes
    self.insights = insights
  }

  /// The number this publication gets.
  ///
  /// - Parameters:
  ///   - previous: the latest version there is.
  ///   - taken: whether a number is published already.
  func version(
    after previous: PublishedVersion?, taken: (VersionNumber) throws(StateError) -> Bool
  ) throws(StateError) -> VersionNumber {
    switch numbering {
    case .exactly(let version):
      guard try taken(version) else { return version }
      let next = (previous?.version ?? version).raising(.revision)
      throw .alreadyPublished(reference: "\(algorithm)/\(version)", next: next)
    case .raising(let part):
      guard let previous else { return .first }
      let version = previous.version.raising(part)
      // Numbers have six digits: one with seven could be stored, but no reference could name it.
      guard max(version.major, version.minor, version.revision) < 1_000_000 else {
        throw .versionsExhausted(reference: previous.reference)
      }
      return version
    }
  }
}
