// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import StateStore

/// Imports the journal of a home on a thread of its own, for processes that run long. A failure is left to the reader of
/// the history, who can do something about it.
final class JournalImporter {
  /// When segments are imported.
  enum Occasion {
    /// As soon as executions leave time: for processes that do not end.
    case idle
    /// When more wait than a reader imports within a few seconds: for processes that end, and then are read.
    case behind
  }

  private let home: HomeDirectory
  private let occasion: Occasion
  private var importing: (thread: Thread<Void>, turn: ImportTurn)?

  init(home: HomeDirectory, _ occasion: Occasion) {
    self.home = home
    self.occasion = occasion
  }

  /// Imports what waits if it is more than a segment, unless that is under way.
  func start() {
    guard occasion == .idle || History.isBehind(home) else { return }
    if let importing, importing.thread.join(until: .now()) == nil {
      // One that gives way may not get far on a busy processor: another one takes over before too much waits.
      guard importing.turn.givesWay, History.isBehind(home) else { return }
      importing.turn.cancel()
    }
    let turn = ImportTurn()
    let thread = try? Thread.start { [home, leavesFew = occasion == .behind] in
      _ = try? History.importJournal(of: home, leavesFew: leavesFew, turn)
    }
    importing = thread.map { ($0, turn) }
  }

  /// Ends an import that is under way with its transaction; one that is cut off later is undone.
  func close() {
    importing?.turn.cancel()
    _ = importing?.thread.join(until: .now() + .seconds(1))
  }
}
