// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import Platform
internal import RunModel

/// Lines of the history for payloads that leave the outbox undelivered.
extension Outbox {
  /// Calls `body` with the key and the state of each record.
  func forEachKey(_ body: (String, OutboxState) -> Void) throws(StateError) {
    try working { () throws(StateError) in
      try database.statement("SELECT key, state FROM payload").rows { row in
        if let state = OutboxState(rawValue: row.integer(1)) { body(row.text(0), state) }
      }
    }
  }

  /// Removes the records of a DELETE statement, and appends their keys to the journal, so that they never read as
  /// delivered. To be called within ``writing(_:)``: a record whose removal is undone still counts as its state in the
  /// outbox.
  ///
  /// - Parameter state: what became of their payloads, for the history.
  /// - Returns: how many.
  func removeUndelivered(_ sql: String, _ values: [SQLiteValue] = [], as state: String) throws(StateError) -> Int {
    var keys: [String] = []
    try database.statement(sql + " RETURNING key").rows(values) { keys.append($0.text(0)) }
    noteRemoval(of: keys, as: state)
    return keys.count
  }

  /// Appends keys of removed records to the journal. A failure costs no more than that their payloads read as
  /// delivered.
  func noteRemoval(of keys: [String], as state: String, at now: Timestamp = WallClock.now()) {
    guard !keys.isEmpty, !HistoryJournal.isOff else { return }
    let journal = HistoryJournal(home: home)
    // At most 60 KiB a line: an identifier has up to 256 bytes, and each may need an escape of six.
    var (piece, length): ([String], Int) = ([], 0)
    func flush() throws(StateError) {
      var json = JSONWriter()
      json.beginObject()
      json.member("settled", state)
      json.member("at", integer: now.microseconds)
      json.member("request_ids", piece.joined(separator: "\n"))
      json.endObject()
      try journal.append(json.bytes)
      (piece, length) = ([], 0)
    }
    do throws(StateError) {
      for key in keys {
        piece.append(key)
        length += key.utf8.count * 6 + 2
        if length > 60 << 10 { try flush() }
      }
      if !piece.isEmpty { try flush() }
    } catch {
      MessageStream.standardError.print("the history cannot be written: \(error).")
    }
  }
}
