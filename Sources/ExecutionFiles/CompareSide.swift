// SPDX-License-Identifier: Apache-2.0
public import Platform
public import RunModel

/// Which executions one side of a comparison is made of, and their values.
public final class CompareSide {
  /// How the side is called in the output.
  public let label: String
  /// The versions that are meant; nil for a whole file.
  public let reference: AlgorithmReference?
  /// The latest of them that has executions.
  public private(set) var version: VersionNumber?
  /// Executions that started at this moment or later …
  public let since: Timestamp?
  /// … and before this one.
  public let until: Timestamp?
  /// The values.
  public private(set) var columns: ExecutionColumns
  private let makeColumns: () -> ExecutionColumns
  /// The identities of the executions that were added.
  private var seen: Set<Int> = []

  /// - Parameters:
  ///   - reference: the versions that are meant; nil for all executions that are added.
  ///   - directory: where a file without a name is made if there are many values.
  ///   - needsKeys: whether executions without an input digest are left out, so that all others can be paired.
  public init(
    _ label: String, _ reference: AlgorithmReference? = nil, since: Timestamp? = nil, until: Timestamp? = nil,
    directory: String, needsKeys: Bool
  ) {
    (self.label, self.reference, self.since, self.until) = (label, reference, since, until)
    makeColumns = { ExecutionColumns(directory: directory, needsKeys: needsKeys) }
    columns = makeColumns()
  }

  /// Adds an execution if it is one of this side's. One that comes twice, because its payload was sent again, counts once.
  /// At a later version than all before, the earlier ones go.
  ///
  /// - Throws: the errno of writing to the file.
  public func add(_ line: ExecutionLine) throws(SystemError) {
    guard let reference else { return try addOnce(line) }
    guard let (algorithm, number) = line.reference, algorithm == reference.algorithm, reference.matches(number) else {
      return
    }
    if let version, number < version { return }
    if version.map({ number > $0 }) ?? true {
      if version != nil { columns = makeColumns() }
      version = number
    }
    if since != nil || until != nil {
      guard let start = line.startedAt, since.map({ start >= $0 }) ?? true, until.map({ start < $0 }) ?? true else {
        return
      }
    }
    try addOnce(line)
  }

  private func addOnce(_ line: ExecutionLine) throws(SystemError) {
    if let identity = line.identity, !seen.insert(identity).inserted { return }
    try columns.add(line)
  }

  /// Adds an execution of the history, which has each once, of this side's latest version.
  ///
  /// - Throws: the errno of writing to the file.
  public func add(_ line: ExecutionLine, of latest: VersionNumber) throws(SystemError) {
    version = latest
    try columns.add(line)
  }

  /// Adds an execution that is one line of JSON, such as one of the history.
  ///
  /// - Parameter reader: reads the line, and is used again for the next one.
  /// - Throws: the errno of writing to the file.
  public func add(_ record: [UInt8], _ reader: ExecutionLine) throws(SystemError) {
    // The reader looks at the byte behind the line.
    let problem = (record + [0]).withUnsafeBytes { bytes -> SystemError? in
      guard reader.read(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) == .execution else { return nil }
      do throws(SystemError) { try add(reader) } catch { return error }
      return nil
    }
    if let problem { throw problem }
  }

  /// Executions, with those that cannot be paired.
  public var executions: Int { columns.executions + columns.withoutInput }

  /// The reason why there is nothing to compare.
  public var absence: String {
    columns.withoutInput == 0 ? "has no executions" : "has no executions that show their input"
  }

  /// The label with the version that the reference came to.
  public var title: String {
    let shown = TerminalText.escaped(label, limit: 200, inQuotes: false)
    guard let reference, let version else { return shown }
    if case .exact = reference.selector { return shown }
    return "\(shown) (\(version))"
  }
}

extension AlgorithmReference {
  /// Whether a version of the algorithm is one of those meant.
  func matches(_ version: VersionNumber) -> Bool {
    switch selector {
    case .latest: true
    case .major(let major): version.major == major
    case .minor(let major, let minor): version.major == major && version.minor == minor
    case .exact(let exact): version == exact
    }
  }
}
