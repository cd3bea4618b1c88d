// SPDX-License-Identifier: Apache-2.0
internal import JSONText
public import Platform

/// The executions of one side of a comparison: for each metric the column of its values. Memory does not grow with the
/// number of executions, unless they are to be paired: values go to a file without a name.
public final class ExecutionColumns {
  /// Figures of the supervisor, named as gates name them.
  static let supervisorFigures = ["@duration", "@cpu", "@rss", "@failed"]
  /// No real algorithm has this many: each execution has 25 at most.
  static let mostMetrics = 1000

  /// Executions that were added.
  public private(set) var executions = 0
  /// Executions that were left out, because they do not show their input.
  private(set) var withoutInput = 0
  /// Values that no place was left for, because they are metrics beyond ``mostMetrics``.
  public private(set) var dropped = 0
  /// The input of each execution; empty if one does not show it.
  private(set) var keys: [InputKey] = []
  private let needsKeys: Bool
  private let directory: String
  private let runLength: Int
  private var file: SampleFile?
  private var names: [String] = []
  private var columns: [SampleColumn]
  private var indexes: [String: Int] = [:]
  /// Names as they were written in the last line, with their columns: the next line has the same, in the same order.
  private var pattern: [(name: [UInt8], column: Int)] = []

  /// - Parameters:
  ///   - directory: where the file without a name is made.
  ///   - needsKeys: whether executions without an input digest are left out, so that all others can be paired.
  ///   - runLength: values that are sorted together, 8 MiB; a longer column is sorted by a merge of files.
  public init(directory: String, needsKeys: Bool, runLength: Int = 1_048_576) {
    self.runLength = runLength
    self.directory = directory
    self.needsKeys = needsKeys
    columns = Self.supervisorFigures.map { _ in SampleColumn() }
  }

  /// The metrics, in the order they were first reported.
  public var metrics: [String] { names }

  /// Whether every execution shows its input.
  var canBePaired: Bool { executions > 0 && keys.count == executions }

  /// Adds an execution.
  ///
  /// - Throws: the errno of writing to the file.
  public func add(_ line: ExecutionLine) throws(SystemError) {
    if needsKeys || keys.count == executions {
      if let key = line.inputKey {
        keys.append(key)
      } else if needsKeys {
        withoutInput += 1
        return
      } else {
        keys = []
      }
    }
    let row = executions
    if line.hasStarted {
      if let value = line.measured("duration_milliseconds") { columns[0].set(value, row: row) }
      if let user = line.measured("cpu_user_milliseconds"), let system = line.measured("cpu_system_milliseconds") {
        columns[1].set(user + system, row: row)
      }
      if let value = line.measured("max_rss_bytes") { columns[2].set(value, row: row) }
    }
    if let hasFailed = line.hasFailed { columns[3].set(hasFailed ? 1 : 0, row: row) }
    var place = 0
    line.forEachMetric { name, hasEscapes, text in
      guard let value = ExecutionLine.number(text), value.isFinite else { return }
      if let column = column(of: name, hasEscapes, place) { columns[column].set(value, row: row) } else { dropped += 1 }
      place += 1
    }
    executions += 1
    if executions % SampleColumn.chunk == 0 { try spill() }
  }

  private func column(of name: UnsafeRawBufferPointer, _ hasEscapes: Bool, _ place: Int) -> Int? {
    if place < pattern.count, pattern[place].name.count == name.count, pattern[place].name.elementsEqual(name) {
      return pattern[place].column
    }
    let text = hasEscapes ? JSONString.text([0x22] + name + [0x22]) ?? "" : String(decoding: name, as: UTF8.self)
    let column: Int
    if let known = indexes[text] {
      column = known
    } else {
      guard names.count < Self.mostMetrics else { return nil }
      column = columns.count
      indexes[text] = column
      names.append(text)
      columns.append(SampleColumn())
    }
    if place < pattern.count {
      pattern[place] = (Array(name), column)
    } else if place == pattern.count {
      pattern.append((Array(name), column))
    }
    return column
  }

  private func spill() throws(SystemError) {
    if file == nil { file = try SampleFile(in: directory) }
    for index in columns.indices where !columns[index].pending.isEmpty {
      let missing = SampleColumn.chunk - columns[index].pending.count
      columns[index].pending.append(contentsOf: repeatElement(.nan, count: missing))
      guard let range = try file?.append(columns[index].pending) else { return }
      columns[index].chunks.append((executions - SampleColumn.chunk, range.lowerBound))
      columns[index].pending.removeAll(keepingCapacity: true)
    }
  }

  /// The index of a supervisor's figure is its place in ``supervisorFigures``: a metric may have the same name.
  private func index(_ name: ColumnName) -> Int? {
    switch name {
    case .metric(let name): indexes[name]
    case .supervisor(let place): place
    }
  }

  /// How many executions have a value.
  public func count(of name: ColumnName) -> Int { index(name).map { columns[$0].count } ?? 0 }

  /// The values in ascending order.
  ///
  /// - Throws: the errno of reading or writing a file.
  func sorted(_ name: ColumnName) throws(SystemError) -> SortedColumn {
    guard let index = index(name) else { return SortedColumn([]) }
    var runs: [Range<Int>] = []
    var merged: SampleFile?
    var values: [Double] = []
    values.reserveCapacity(min(columns[index].count, runLength))
    try forEachPiece(of: columns[index]) { _, piece throws(SystemError) in
      values.append(contentsOf: piece.lazy.filter { !$0.isNaN })
      guard values.count > runLength - SampleColumn.chunk, columns[index].count > runLength else {
        return
      }
      DoubleSort.sort(&values)
      if merged == nil { merged = try SampleFile(in: directory) }
      if let run = try merged?.append(values) { runs.append(run) }
      values.removeAll(keepingCapacity: true)
    }
    DoubleSort.sort(&values)
    guard var merged else { return SortedColumn(values) }
    if !values.isEmpty { runs.append(try merged.append(values)) }
    return SortedColumn(runs: runs, in: merged.descriptor)
  }

  /// The values in the order of their executions, without gaps.
  ///
  /// - Throws: the errno of reading the file.
  public func reported(_ name: ColumnName) throws(SystemError) -> [Double] {
    guard let index = index(name) else { return [] }
    var values: [Double] = []
    values.reserveCapacity(columns[index].count)
    try forEachPiece(of: columns[index]) { _, piece in values.append(contentsOf: piece.lazy.filter { !$0.isNaN }) }
    return values
  }

  /// The values of all executions in their order, NaN for none.
  ///
  /// - Throws: the errno of reading the file.
  func values(_ name: ColumnName) throws(SystemError) -> [Double] {
    var values = [Double](repeating: .nan, count: executions)
    guard let index = index(name) else { return values }
    try forEachPiece(of: columns[index]) { first, piece throws(SystemError) in
      for (offset, value) in piece.enumerated() { values[first + offset] = value }
    }
    return values
  }

  private func forEachPiece(
    of column: SampleColumn, _ body: (_ first: Int, _ values: [Double]) throws(SystemError) -> Void
  ) throws(SystemError) {
    for (first, offset) in column.chunks {
      guard let file else { break }
      try body(first, try SampleFile.read(file.descriptor, offset..<(offset + SampleColumn.chunk * 8)))
    }
    try body(executions - executions % SampleColumn.chunk, column.pending)
  }
}
