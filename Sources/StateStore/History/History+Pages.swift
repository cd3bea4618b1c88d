// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Figures of a history that pages show beside its lines.
extension History {
  /// The executions of a version in some time.
  public struct Activity: Sendable {
    /// Its algorithm.
    public let algorithm: String
    /// Its number.
    public let version: VersionNumber
    /// How many ended.
    public let executions: Int
    /// How many of them did not succeed.
    public let failures: Int
  }

  /// The versions with executions that started at `moment` or later.
  public func activity(since moment: Timestamp) throws(StateError) -> [Activity] {
    var activities: [Activity] = []
    try database.statement(
      """
      SELECT owner, name, version, count(*), sum(outcome <> 'succeeded') FROM run WHERE started >= ?
      GROUP BY owner, name, version
      """
    ).rows([.integer(moment.microseconds)]) { row in
      activities.append(
        Activity(
          algorithm: "\(row.text(0))/\(row.text(1))", version: RunSelection.version(row.integer(2)),
          executions: Int(row.integer(3)), failures: Int(row.integer(4))))
    }
    return activities
  }

  /// The durations of the last executions in milliseconds, oldest first.
  public func lastDurations(_ selection: RunSelection, limit: Int) throws(StateError) -> [Double] {
    let (condition, values) = selection.condition
    var durations: [Double] = []
    try database.statement(
      """
      SELECT json_extract(record, '$.duration_milliseconds') FROM run \(condition) \(Self.newestFirst) LIMIT \(limit)
      """
    ).rows(values) { durations.append($0.double(0)) }
    return durations.reversed()
  }

  /// The executions with their numbers in the history, newest first.
  public func forEachNumberedLine(
    _ selection: RunSelection, limit: Int, _ body: (Int64, [UInt8]) -> Void
  ) throws(StateError) {
    let (condition, values) = selection.condition
    try lines("\(condition) \(Self.newestFirst) LIMIT \(limit)", values, body)
  }

  /// The executions that were added after a number, in the order of their numbers.
  public func forEachLine(after number: Int64, limit: Int, _ body: (Int64, [UInt8]) -> Void) throws(StateError) {
    try lines("WHERE id > ? ORDER BY id LIMIT \(limit)", [.integer(number)], body)
  }

  /// The number of the last execution; 0 without one.
  public func lastNumber() throws(StateError) -> Int64 { try database.integer("SELECT max(id) FROM run") ?? 0 }
}
