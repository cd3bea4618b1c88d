// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Platform
internal import RunModel

/// Appends to the journal of a home, from which ``HistoryImport`` moves lines into `history.db`.
///
/// One `write` for a line, or for lines that were gathered, nothing else: no sync, no database, no wait. A writer shares the
/// lock of its segment, so that an importer, which takes it exclusively, removes no segment that may still grow. For one
/// thread at a time.
public final class HistoryJournal {
  private let home: HomeDirectory
  private var segment: Descriptor?
  private var gathered: [UInt8] = []

  /// The journal of a home; nothing is opened yet.
  public init(home: HomeDirectory) { self.home = home }

  /// Whether the user has switched the history off.
  public static var isOff: Bool { HomeDirectory.processVariable("ALGO_RUN_HISTORY") == "off" }

  /// Opens a segment for the next ``append(_:)``. If that fails, `append` tries again and reports it.
  public func prepare() { if segment == nil { segment = try? open() } }

  /// Appends one JSON object.
  ///
  /// - Returns: whether it continued to another segment, so that an importer has work.
  @discardableResult
  public func append(_ json: [UInt8]) throws(StateError) -> Bool {
    let isNew = try gather(json)
    return try flush() || isNew
  }

  /// Keeps one JSON object for the next ``flush()``. Writes what was kept before if it would become too much.
  ///
  /// - Returns: as ``append(_:)``.
  public func gather(_ json: [UInt8]) throws(StateError) -> Bool {
    let length = HistorySegment.lineLength(json)
    guard length <= HistorySegment.longestLine else {
      throw .inputOutput(path: home.historyDirectory, errno: E2BIG)
    }
    let isNew = gathered.count + length > HistorySegment.longestLine ? try flush() : false
    HistorySegment.append(json, to: &gathered)
    return isNew
  }

  /// Appends what was gathered.
  ///
  /// - Returns: as ``append(_:)``.
  @discardableResult
  public func flush() throws(StateError) -> Bool {
    guard !gathered.isEmpty else { return false }
    defer { gathered.removeAll(keepingCapacity: true) }
    let old = segment.flatMap { Self.isUsable($0) ? $0 : nil }
    let file = if let old { old } else { try open() }
    segment = file
    // Not writeAll: the rest of a line that was cut short would follow lines of others.
    let written = file.withNumber { number in
      unsafe gathered.withUnsafeBytes { unsafe write(number, $0.baseAddress, $0.count) }
    }
    guard written == gathered.count else {
      throw PrivateFile.failure(written < 0 ? errno : ENOSPC, at: home.historyDirectory)
    }
    return old == nil
  }

  /// The newest segment if it can take more, else a new one.
  private func open() throws(StateError) -> Descriptor {
    let names = HistorySegment.names(in: home)
    if let newest = names.last,
      let file = try? Descriptor.open(
        HistorySegment.path(newest, in: home), flags: O_WRONLY | O_APPEND | O_NOCTTY | O_NOFOLLOW, mode: 0),
      Self.share(file), Self.isUsable(file)
    {
      return file
    }
    try home.create()
    try PrivateFile.makeDirectory(home.historyDirectory)
    removeOldest(names)
    // Another writer may fill a new segment, and an importer remove it, before it is locked here.
    for _ in 0..<3 {
      let path = HistorySegment.path(HistorySegment.newName(), in: home)
      do throws(SystemError) {
        let file = try Descriptor.open(path, flags: O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOCTTY, mode: 0o600)
        if Self.share(file), Self.isUsable(file) { return file }
      } catch {
        throw PrivateFile.failure(error.code, at: path)
      }
    }
    throw .locked(path: home.historyDirectory)
  }

  /// Removes the oldest segments if there are too many, and counts them: nothing reads this journal.
  private func removeOldest(_ names: [String]) {
    for name in names.prefix(max(0, names.count - HistorySegment.most + 1))
    where unsafe unlink(HistorySegment.path(name, in: home)) == 0 {
      let count = try? Descriptor.open(
        home.lostSegmentsFile, flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, mode: 0o600)
      try? count?.writeAll([UInt8(ascii: ".")])
    }
  }

  /// Shares the lock. Without waiting: the importer that has it may have been stopped. A file system without locks has
  /// no exclusive ones either.
  private static func share(_ file: Descriptor) -> Bool {
    file.lock(.shared) != .busy
  }

  /// Whether the file still has a name and room.
  private static func isUsable(_ file: Descriptor) -> Bool {
    file.hasName(ifShorterThan: HistorySegment.longest)
  }
}
