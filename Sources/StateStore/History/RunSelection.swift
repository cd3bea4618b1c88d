// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Which executions are meant.
public struct RunSelection: Sendable {
  /// Every version it matches; nil for all, bare commands of files included.
  public var reference: AlgorithmReference?
  /// Those that started at this moment or later …
  public var since: Timestamp?
  /// … and before this one.
  public var until: Timestamp?
  /// Those of one of these outcomes; none for all.
  public var outcomes: [String] = []
  /// Those that reported this metric.
  public var metric: String?

  /// The executions of the versions that a reference matches.
  public init(_ reference: AlgorithmReference? = nil) { self.reference = reference }

  /// A number that orders versions as their numbers do: each part is below a million.
  static func rank(_ version: VersionNumber) -> Int64 {
    (Int64(version.major) * 1_000_000 + Int64(version.minor)) * 1_000_000 + Int64(version.revision)
  }

  /// The version of such a number.
  static func version(_ rank: Int64) -> VersionNumber {
    VersionNumber(
      major: Int(rank / 1_000_000_000_000), minor: Int(rank / 1_000_000 % 1_000_000), revision: Int(rank % 1_000_000))
  }

  /// The condition on the view `run`, and its values.
  var condition: (sql: String, values: [SQLiteValue]) {
    var parts: [String] = []
    var values: [SQLiteValue] = []
    func add(_ sql: String, _ given: SQLiteValue...) {
      parts.append(sql)
      values += given
    }
    if let reference {
      add("owner = ? AND name = ?", .text(reference.algorithm.owner), .text(reference.algorithm.name))
      switch reference.selector {
      case .latest: break
      case .major(let major):
        let first = Int64(major) * 1_000_000_000_000
        add("version >= ? AND version < ?", .integer(first), .integer(first + 1_000_000_000_000))
      case .minor(let major, let minor):
        let first = (Int64(major) * 1_000_000 + Int64(minor)) * 1_000_000
        add("version >= ? AND version < ?", .integer(first), .integer(first + 1_000_000))
      case .exact(let number): add("version = ?", .integer(Self.rank(number)))
      }
    }
    if let since { add("started >= ?", .integer(since.microseconds)) }
    if let until { add("started < ?", .integer(until.microseconds)) }
    if !outcomes.isEmpty {
      parts.append("outcome IN (\(outcomes.map { _ in "?" }.joined(separator: ", ")))")
      values += outcomes.map { .text($0) }
    }
    if let metric { add("EXISTS (SELECT 1 FROM json_each(metrics) WHERE key = ?)", .text(metric)) }
    return (parts.isEmpty ? "" : "WHERE " + parts.joined(separator: " AND "), values)
  }
}
