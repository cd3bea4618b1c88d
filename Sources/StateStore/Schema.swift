// SPDX-License-Identifier: Apache-2.0
/// The tables of one database file, as the steps that made them: step N brings a file from schema N-1 to schema N.
///
/// A step that was ever released is never changed; what should be otherwise goes into a new one.
struct Schema {
  /// SQL of each step, in order.
  let steps: [String]

  /// The schema this program knows.
  var current: Int64 { Int64(steps.count) }

  /// The schema of the file; 0 if it is empty.
  ///
  /// - Throws: ``StateError/newerSchema(path:found:known:)`` for one that this program does not know.
  func found(in database: SQLiteDatabase) throws(StateError) -> Int64 {
    let found = try database.integer("PRAGMA user_version") ?? 0
    guard (0...current).contains(found) else {
      throw .newerSchema(path: database.path, found: found, known: current)
    }
    return found
  }

  /// Brings the file to the schema this program knows. Of many processes that find it old, one does it.
  func migrate(_ database: SQLiteDatabase) throws(StateError) {
    guard try found(in: database) < current else { return }
    try database.writing { () throws(StateError) in
      // Under the write lock another may turn out to have done it already.
      let found = try found(in: database)
      for step in steps[Int(found)...] { try database.execute(step) }
      try database.execute("PRAGMA user_version = \(current)")
    }
  }
}
