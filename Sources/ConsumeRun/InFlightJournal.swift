// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform

/// Which requests run, in a file that survives the death of this process: 24 bytes each.
///
/// Who kills algo-run cannot be known, so only a request that ran alone is suspected, and only while the deaths come in
/// a row: a process that died without one running alone shows that something else kills.
final class InFlightJournal {
  /// The record of a request from processes that died.
  struct Past {
    /// Runs that were lost.
    var attempts = 0
    /// Deaths while it ran alone.
    var crashes = 0
    static let none = Past()
  }

  private enum State: UInt32 { case free = 0, running, alone, suspect }

  private struct Entry {
    var offset: Int64 = 0
    var partition: Int32 = 0
    var attempts: UInt32 = 0
    var crashes: UInt32 = 0
    var state: UInt32 = 0
  }

  private static let entrySize = 24

  private let file: Descriptor
  private var entries: [Entry] = []
  private var free: [Int] = []
  /// Entries of requests that have ended, as long as the file has them: mostly the next request takes their place.
  private var ended: [Int] = []

  /// Opens the journal at `path`, and judges the entries that a process before left in it.
  init(path: String) throws(SystemError) {
    file = try Descriptor.open(path, flags: O_RDWR | O_CREAT, mode: 0o600)
    let bytes = try file.readAll(limit: 1 << 20)
    bytes.withUnsafeBytes { bytes in
      for start in stride(from: 0, through: bytes.count - Self.entrySize, by: Self.entrySize) {
        entries.append(bytes.loadUnaligned(fromByteOffset: start, as: Entry.self))
      }
    }
    let wasAlone = entries.contains { $0.state == State.alone.rawValue }
    let hasDied = entries.contains { $0.state == State.alone.rawValue || $0.state == State.running.rawValue }
    for index in entries.indices {
      switch State(rawValue: entries[index].state) {
      case .alone: entries[index].crashes += 1
      case .running: entries[index].crashes = 0
      case .suspect: if hasDied, !wasAlone { entries[index].crashes = 0 }
      case .free, nil:
        entries[index] = Entry()
        free.append(index)
        continue
      }
      entries[index].state = State.suspect.rawValue
      write(index)
    }
  }

  /// The record of a request. It is not kept: from here on the request has an entry only while it runs.
  func past(partition: Int32, offset: Int64) -> Past {
    guard let index = find(partition, offset) else { return .none }
    return Past(attempts: Int(entries[index].attempts), crashes: Int(entries[index].crashes))
  }

  /// A request is about to run.
  ///
  /// - Returns: its entry.
  func begin(partition: Int32, offset: Int64, isAlone: Bool) -> Int {
    let index = find(partition, offset) ?? free.popLast() ?? entries.count
    if index == entries.count { entries.append(Entry()) }
    let old = entries[index]
    entries[index] = Entry(
      offset: offset, partition: partition, attempts: old.attempts, crashes: old.crashes,
      state: isAlone ? State.alone.rawValue : State.running.rawValue)
    return index
  }

  /// Another attempt of it begins.
  func countAttempt(_ index: Int) {
    entries[index].attempts += 1
    write(index)
  }

  /// It has ended. The file shows that after ``flush()``.
  func end(_ index: Int) {
    entries[index] = Entry()
    free.append(index)
    ended.append(index)
  }

  /// Clears entries of requests that have ended.
  func flush() {
    for index in ended where entries[index].state == State.free.rawValue { write(index) }
    ended.removeAll(keepingCapacity: true)
  }

  /// Forgets the records of a partition before `offset`, and those behind it that are done.
  func forget(partition: Int32, before offset: Int64) {
    for index in entries.indices
    where entries[index].state == State.suspect.rawValue && entries[index].partition == partition
      && entries[index].offset < offset
    {
      end(index)
    }
  }

  private func find(_ partition: Int32, _ offset: Int64) -> Int? {
    entries.firstIndex { $0.state != 0 && $0.offset == offset && $0.partition == partition }
  }

  private func write(_ index: Int) {
    // Without room on the disk nothing is known after a death, and the request runs as any other.
    withUnsafeBytes(of: entries[index]) { _ = try? file.writeAll($0, at: index * Self.entrySize) }
  }
}
