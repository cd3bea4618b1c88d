// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import StateStore

/// Imports the journal of a home on a thread of its own, for processes that run long. A failure is left to the reader of
/// the history, who can do something about it.
final class JournalImporter {
  private let home: HomeDirectory
  private var importing: Thread<Void>?

  init(home: HomeDirectory) { self.home = home }

  /// Imports what waits if it is more than a segment, unless that is under way.
  func start() {
    if let importing, importing.join(until: .now()) == nil { return }
    importing = try? Thread.start { [home] in _ = try? History.importJournal(of: home) }
  }

  /// Lets an import that is under way end within a moment; a transaction that is cut off later is undone.
  func close() { _ = importing?.join(until: .now() + .seconds(1)) }
}
