// SPDX-License-Identifier: Apache-2.0
internal import ExecutionFiles
internal import Platform
internal import StateStore

extension History {
  /// Calls `visit` with each execution.
  ///
  /// - Parameters:
  ///   - inOrder: whether the first that started comes first.
  ///   - status: the exit status if `visit` cannot use its temporary file.
  /// - Throws: `CommandError`, or what the database reports.
  func read(
    _ selection: RunSelection, inOrder: Bool = false, status: Int32,
    visit: (ExecutionLine) throws(SystemError) -> Void
  ) throws {
    let line = ExecutionLine()
    var failure: SystemError?
    try forEachRecord(selection, inOrder: inOrder) { record, metrics in
      guard failure == nil, line.read(record: record, metrics: metrics) == .execution else { return }
      do throws(SystemError) { try visit(line) } catch { failure = error }
    }
    if let failure { throw ScratchFolder.failure(failure, status: status) }
  }

  /// The values of the executions, the first that started first. They go to a file: memory does not grow with them.
  ///
  /// - Throws: `CommandError` with status 1, or what the database reports.
  func columns(_ selection: RunSelection) throws -> ExecutionColumns {
    let columns = ExecutionColumns(directory: ScratchFolder.path, needsKeys: false)
    try read(selection, inOrder: true, status: 1, visit: columns.add)
    return columns
  }
}
