// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Execution
internal import Platform
internal import RunModel
internal import StateStore

/// Writes the executions of one process to the journal of its home. A failure is one line on stderr, however many
/// executions it concerns.
final class HistoryWriter: ExecutionLog {
  private let journal: HistoryJournal
  /// Imports full segments in the meantime; nil in a process that writes few lines.
  private let importer: JournalImporter?
  private var hasFailed = false

  /// The history of a home; nil if it is switched off, or without a home.
  ///
  /// - Parameter importing: when full segments are imported in the meantime, on a thread of its own; nil for never.
  static func of(
    _ invocation: Invocation, home: HomeDirectory?, importing: JournalImporter.Occasion? = nil
  ) -> HistoryWriter? {
    guard let home, !invocation.flag("no-history"), !HistoryJournal.isOff else { return nil }
    return HistoryWriter(home, importing)
  }

  private init(_ home: HomeDirectory, _ importing: JournalImporter.Occasion?) {
    importer = importing.map { JournalImporter(home: home, $0) }
    journal = HistoryJournal(home: home)
  }

  /// Opens the journal, so that it only remains to write when the execution has ended.
  func prepare() { journal.prepare() }

  func append(_ record: ExecutionRecord, inputSHA256: String?) {
    writing { () throws(StateError) in
      try journal.append(ExecutionRecordJSON.history(record, inputSHA256: inputSHA256))
    }
  }

  func gather(_ record: ExecutionRecord, inputSHA256: String?) {
    writing { () throws(StateError) in
      try journal.gather(ExecutionRecordJSON.history(record, inputSHA256: inputSHA256))
    }
  }

  func flush() { writing { () throws(StateError) in try journal.flush() } }

  private func writing(_ write: () throws(StateError) -> Bool) {
    do throws(StateError) {
      let hasNewSegment = try write()
      if hasNewSegment { importer?.start() }
    } catch {
      if !hasFailed { Message.print("executions are missing in the history: \(Remedy.sentence(error))") }
      hasFailed = true
    }
  }

  /// Writes what was gathered, and lets an import that is under way end within a moment.
  func close() {
    flush()
    importer?.close()
  }
}
