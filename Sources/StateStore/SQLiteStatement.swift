// SPDX-License-Identifier: Apache-2.0
internal import CSQLite

/// A value that a statement takes.
enum SQLiteValue {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])

  /// Text, or null for none.
  static func optional(_ text: String?) -> SQLiteValue { text.map(SQLiteValue.text) ?? .null }

  /// A number, or null for none.
  static func optional(_ number: Int64?) -> SQLiteValue { number.map(SQLiteValue.integer) ?? .null }
}

/// One prepared statement: bind, step, read, again.
@safe final class SQLiteStatement {
  private let handle: OpaquePointer
  /// Unowned, for the connection itself keeps its statements.
  private unowned let database: SQLiteDatabase

  /// Takes over a prepared statement.
  init(_ handle: OpaquePointer, of database: SQLiteDatabase) {
    unsafe self.handle = handle
    self.database = database
  }

  deinit { unsafe sqlite3_finalize(handle) }

  /// Runs it to its end, rows ignored.
  func run(_ values: SQLiteValue...) throws(StateError) {
    try bind(values)
    defer { reset() }
    while try step() {}
  }

  /// Runs it and hands over each row; the statement is free again afterwards, whatever `row` throws.
  func rows(
    _ values: [SQLiteValue] = [], row: (SQLiteStatement) throws(StateError) -> Void
  ) throws(StateError) {
    try bind(values)
    defer { reset() }
    while try step() { try row(self) }
  }

  /// Runs it and takes one row at most.
  func first<Result>(
    _ values: [SQLiteValue] = [], row: (SQLiteStatement) throws(StateError) -> Result
  ) throws(StateError) -> Result? {
    try bind(values)
    defer { reset() }
    return try step() ? try row(self) : nil
  }

  /// Runs it to its end with the values that ``bind(_:_:)`` set, rows ignored.
  func runBound() throws(StateError) {
    defer { reset() }
    while try step() {}
  }

  /// Sets all parameters, in order.
  func bind(_ values: [SQLiteValue]) throws(StateError) {
    for (position, value) in values.enumerated() { try bind(Int32(position + 1), value) }
  }

  /// Sets the parameter of a number, which counts from 1.
  func bind(_ index: Int32, _ value: SQLiteValue) throws(StateError) {
    let code: Int32
    switch value {
    case .null: code = unsafe sqlite3_bind_null(handle, index)
    case .integer(let number): code = unsafe sqlite3_bind_int64(handle, index, number)
    case .text(var text):
      code = text.withUTF8 { bytes in
        unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
          // An empty string may have no address, and no address would bind NULL.
          guard let start = characters.baseAddress else { return unsafe csqlite_bind_text(handle, index, "", 0) }
          return unsafe csqlite_bind_text(handle, index, start, Int32(clamping: characters.count))
        }
      }
    case .bytes(let bytes):
      code = unsafe bytes.withUnsafeBytes {
        unsafe csqlite_bind_blob(handle, index, $0.baseAddress, Int32(clamping: $0.count))
      }
    }
    guard code == SQLITE_OK else { throw database.error(code) }
  }

  /// Sets a parameter to text that is not copied: it must stay where it is until the statement has run.
  func bind(_ index: Int32, borrowing text: UnsafeRawBufferPointer) throws(StateError) {
    let code = unsafe text.withMemoryRebound(to: CChar.self) { characters in
      guard let start = characters.baseAddress else { return unsafe csqlite_bind_text(handle, index, "", 0) }
      return unsafe sqlite3_bind_text(handle, index, start, Int32(clamping: characters.count), nil)
    }
    guard code == SQLITE_OK else { throw database.error(code) }
  }

  /// Goes to the next row; false at the end.
  func step() throws(StateError) -> Bool {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let error = database.error(code)
      reset()
      throw error
    }
  }

  /// Makes it ready to run again, and gives up its locks.
  func reset() { unsafe sqlite3_reset(handle) }

  /// Whether a column of the row holds nothing.
  func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

  /// A column of the row as a number.
  func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  /// A column of the row as a double.
  func double(_ column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

  /// The same, or nil.
  func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

  /// A column of the row as text.
  func text(_ column: Int32) -> String {
    guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// The same, or nil.
  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  /// A column of the row as bytes that stay until the next row.
  func buffer(_ column: Int32) -> UnsafeRawBufferPointer {
    let start = unsafe sqlite3_column_blob(handle, column)
    return unsafe UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
  }

  /// A column of the row as bytes.
  func bytes(_ column: Int32) -> [UInt8] {
    guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }
}
