internal import CommandLineInterface
internal import Execution
internal import Platform
internal import RunModel
internal import StateStore

/// Writes the executions of one process to the journal of its home. A failure is one line on stderr, however many
/// executions it concerns.
final class HistoryWriter: ExecutionLog {
  private let home: HomeDirectory
  private let journal: HistoryJournal
  private let runsLong: Bool
  private var hasFailed = false
  private var importing: Thread<Void>?

  /// The history of a home; nil if it is switched off, or without a home.
  ///
  /// - Parameter runsLong: whether full segments are imported meanwhile, on a thread of its own.
  static func of(_ invocation: Invocation, home: HomeDirectory?, runsLong: Bool = false) -> HistoryWriter? {
    guard let home, !invocation.flag("no-history"), !HistoryJournal.isOff else { return nil }
    return HistoryWriter(home, runsLong: runsLong)
  }

  private init(_ home: HomeDirectory, runsLong: Bool) {
    self.home = home
    self.runsLong = runsLong
    journal = HistoryJournal(home: home)
  }

  func append(_ record: ExecutionRecord, inputSHA256: String?) {
    do throws(StateError) {
      let hasNewSegment = try journal.append(ExecutionRecordJSON.history(record, inputSHA256: inputSHA256))
      if hasNewSegment, runsLong { importJournal() }
    } catch {
      if !hasFailed { Message.tell("executions are missing in the history: \(Remedy.sentence(error))") }
      hasFailed = true
    }
  }

  /// Imports what waits if it is more than a segment. A failure is left to the reader of the history, who can do
  /// something about it.
  private func importJournal() {
    if let importing, importing.join(until: .now()) == nil { return }
    importing = try? Thread.start { [home] in _ = try? History.importJournal(of: home) }
  }

  /// Lets an import that is under way end within a moment; a transaction that is cut off later is undone.
  func close() { _ = importing?.join(until: .now() + .seconds(1)) }
}
