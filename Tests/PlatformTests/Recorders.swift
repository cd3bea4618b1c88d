// SPDX-License-Identifier: Apache-2.0
import Platform

/// Notes the events of descriptors.
final class EventRecorder: EventHandler {
  var events: [Interest] = []
  var reaction: (Registration) -> Void = { _ in }

  func ready(_ registration: Registration, for events: Interest) {
    self.events.append(events)
    reaction(registration)
  }
}

/// Notes the order in which timers fire.
final class TimerRecorder: TimerHandler {
  let name: String
  let journal: Journal
  var reaction: (Timer, MonotonicInstant) -> Void = { _, _ in }

  init(_ name: String, in journal: Journal) {
    self.name = name
    self.journal = journal
  }

  func fired(_ timer: Timer, at now: MonotonicInstant) {
    journal.lines.append(name)
    reaction(timer, now)
  }
}

/// Lines in the order they were written.
final class Journal { var lines: [String] = [] }

extension Descriptor {
  /// The bytes of one read, as text.
  func readText() -> String {
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
      guard case .bytes(let count) = read(into: buffer) else { return "" }
      return String(decoding: buffer[..<count], as: UTF8.self)
    }
  }
}
