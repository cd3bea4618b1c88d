// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import ExecutionFiles
internal import Platform
internal import RunModel

/// Which executions one side of a comparison is made of, and their values.
final class CompareSide {
  /// How the side is called in the output.
  private(set) var label: String
  /// The versions that are meant; nil for a whole file.
  let reference: AlgorithmReference?
  /// The latest of them that has executions.
  private(set) var version: VersionNumber?
  let since: Timestamp?
  let until: Timestamp?
  private let makeColumns: () -> ExecutionColumns
  private(set) var columns: ExecutionColumns

  /// A whole file.
  init(file: String, needsKeys: Bool) {
    label = file
    (reference, since, until) = (nil, nil, nil)
    makeColumns = { ExecutionColumns(directory: ScratchFolder.path, needsKeys: needsKeys) }
    columns = makeColumns()
  }

  /// A version or a period of it: `OWNER/NAME/1.2`, `OWNER/NAME@-14d..-7d`.
  init(_ invocation: Invocation, _ name: String, _ text: String, now: Timestamp, needsKeys: Bool) throws {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    reference = try SharedOptions.reference(invocation, String(parts[0]))
    var bounds: (Timestamp?, Timestamp?) = (nil, nil)
    if parts.count == 2 {
      guard let parsed = Self.period(String(parts[1]), now) else {
        throw invocation.invalid(
          name, value: text,
          expected: "a period FROM..TO behind the @, each a duration ago such as -7d, a time, or left out")
      }
      bounds = parsed
    }
    (since, until) = bounds
    label = text
    makeColumns = { ExecutionColumns(directory: ScratchFolder.path, needsKeys: needsKeys) }
    columns = makeColumns()
  }

  private static func period(_ text: String, _ now: Timestamp) -> (Timestamp?, Timestamp?)? {
    var rest = Substring(text)
    var place = rest.startIndex
    while place != rest.endIndex, !rest[place...].hasPrefix("..") { place = rest.index(after: place) }
    guard place != rest.endIndex else { return nil }
    let first = rest[..<place]
    rest = rest[place...].dropFirst(2)
    var bounds: [Timestamp?] = []
    for bound in [first, rest] {
      if bound.isEmpty {
        bounds.append(nil)
      } else if bound.first == "-", let ago = DurationText.parse(String(bound.dropFirst())) {
        bounds.append(now + .microseconds(-ago.wholeMicroseconds))
      } else if let moment = Timestamp(parsing: String(bound)) {
        bounds.append(moment)
      } else {
        return nil
      }
    }
    return (bounds[0], bounds[1])
  }

  /// Adds an execution if it is one of this side's. At a later version than all before, the earlier ones go.
  func add(_ line: ExecutionLine) throws(SystemError) {
    guard let reference else { return try columns.add(line) }
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
    try columns.add(line)
  }

  /// The label with the version that the reference came to.
  var title: String {
    let shown = TerminalText.safe(label, limit: 200, inQuotes: false)
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
