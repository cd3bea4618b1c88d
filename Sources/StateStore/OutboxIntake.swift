// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONText
internal import Platform
internal import RunModel

/// Moves the contents of the fallback files into the outbox.
extension Outbox {
  /// How often fallback files are looked for while none was found.
  private static let lookPause = Duration.seconds(1)

  /// Takes in fallback files, whole ones, until they have brought `wanted` records or none is left. Files that another
  /// process writes or takes in at this moment are left alone.
  ///
  /// A file is removed after its records were stored, so a crash in between stores them twice, under the same keys. Of
  /// a version whose Insights turns out to be off, the payload is dropped. A line that does not read as it was written
  /// becomes a corrupt record.
  ///
  /// A failure is tried again later: it must not delay the records that are in the outbox.
  ///
  /// - Returns: the numbers of the corrupt records; to be reported once.
  func takeInFallback(atLeast wanted: Int) -> [Int64] {
    let now = elapsed
    if let nextLookForFallback, now < nextLookForFallback { return [] }
    var corrupt: [Int64] = []
    var count = 0
    for path in FallbackFile.paths(in: home) where count < wanted {
      guard let taken = try? takeIn(path) else { continue }
      count += taken.count
      corrupt += taken.corrupt
    }
    if count == 0 { nextLookForFallback = now + Self.lookPause }
    return corrupt
  }

  /// - Returns: nil if the file was left alone.
  private func takeIn(_ path: String) throws(StateError) -> (count: Int, corrupt: [Int64])? {
    guard let file = try? Descriptor.open(path, flags: O_RDWR | O_NOCTTY | O_NONBLOCK, mode: 0),
      FallbackFile.lock(file) != nil
    else { return nil }
    let now = WallClock.now()
    let lines = FallbackFile.lines(try FallbackFile.contents(of: file, at: path))
    var entries: [OutboxEntry] = []
    var unreadable: [OutboxEntry] = []
    var insights = InsightsLookup(home: home)
    for line in lines {
      guard let (entry, isVerified) = FallbackLine.decode(line, at: now) else {
        unreadable.append(OutboxEntry(InsightsRecord(key: "", value: Array(line), headers: []), window: .zero))
        continue
      }
      let isWanted = try isVerified ? true : insights.isOn(for: entry.record.value)
      if isWanted { entries.append(entry) }
    }
    let corrupt = try writing { () throws(StateError) in
      _ = try insert(entries, claim: .null)
      let numbers = try insert(unreadable, claim: .null)
      for number in numbers { try setAside(number, at: now) }
      return numbers
    }
    // A file that stayed would be taken in again. One that was opened for writing can be emptied, whatever the rights
    // of its directory are.
    try? file.truncate(to: 0)
    unsafe unlink(path)
    return (lines.count, corrupt)
  }
}

/// Whether Insights is on for the version that a payload names. Each version is looked up once.
private struct InsightsLookup {
  private let versions: VersionStore
  private var known: [String: Bool] = [:]

  init(home: HomeDirectory) { versions = VersionStore(home: home, busyTimeout: Outbox.momentaryLock) }

  /// - Throws: ``StateError`` if the state cannot be read.
  mutating func isOn(for payload: [UInt8]) throws(StateError) -> Bool {
    guard let payload = JSONMembers(payload), let owner = payload.string("algorithm_owner"),
      let name = payload.string("algorithm_name"), let number = payload.string("algorithm_version")
    else { return false }
    let text = "\(owner)/\(name)/\(number)"
    if let isOn = known[text] { return isOn }
    guard let reference = try? AlgorithmReference(parsing: text) else { return false }
    let isOn = try versions.latest(matching: reference)?.insights ?? false
    known[text] = isOn
    return isOn
  }
}
