// SPDX-License-Identifier: Apache-2.0
internal import CSQLite

/// A value that was read from a database in rollback mode, and the mark of the state that it belongs to. Files can have the
/// same mark.
struct StateSnapshot<Value> {
  fileprivate weak let database: SQLiteDatabase?
  fileprivate let mark: SIMD16<UInt8>
  fileprivate let value: Value
}

extension SQLiteDatabase {
  /// The value of `snapshot` if no transaction was committed since it was read, else the one that `read` gets now. The
  /// first costs one system call, where a query takes and releases locks and looks for a journal.
  ///
  /// A writer changes the mark before it commits, and a reader that finds another mark waits for its lock: so no value is
  /// older than the last commit.
  func current<Value>(
    _ snapshot: inout StateSnapshot<Value>?, _ read: () throws(StateError) -> Value
  ) throws(StateError) -> Value {
    mark = mark ?? changeMark
    if let snapshot, snapshot.database === self, snapshot.mark == mark { return snapshot.value }
    let (value, mark) = try reading { () throws(StateError) in
      let value = try read()
      // Under the lock of the query: no writer has begun to write.
      return (value, changeMark)
    }
    self.mark = mark
    snapshot = mark.map { StateSnapshot(database: self, mark: $0, value: value) }
    return value
  }

  /// Nil if it cannot be read.
  private var changeMark: SIMD16<UInt8>? {
    var mark = SIMD16<UInt8>()
    let code = unsafe withUnsafeMutableBytes(of: &mark) { bytes in
      unsafe withHandle { unsafe csqlite_read_change_mark($0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
    }
    return code == SQLITE_OK ? mark : nil
  }
}
