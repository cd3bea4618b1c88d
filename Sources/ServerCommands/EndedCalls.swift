// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Ended calls, whose results can be fetched for an hour. Memory, descriptors and space are bounded: the last ones are in
/// memory, older ones in files (``ResultLog``), each large result in a file of its own. If the files hold more than they
/// may, the oldest results are forgotten before the hour is over. Calls whose caller got the answer have files of their
/// own, so that they never displace the results of `output=void`, which exist nowhere else.
struct EndedCalls {
  /// Results beyond it stay in the file that they came in.
  private static let packedBytes = 1 << 20
  /// Answered calls in memory. They are few, so that the next calls get memory that is still in the processor's cache.
  private static let answeredInMemory = 32

  /// Calls of one kind, oldest first.
  private struct Line {
    /// Nil for those that were taken.
    private var calls: [Call?] = []
    private var first = 0
    private var bytes = 0
    let most: (calls: Int, bytes: Int)

    init(calls: Int, bytes: Int) { most = (calls, bytes) }

    mutating func add(_ call: Call) {
      calls.append(call)
      bytes += call.output.count
    }

    /// Removes the oldest call if it is too old, or there are more than there may be.
    mutating func takeOldest(endedBefore limit: MonotonicInstant) -> Call? {
      guard first < calls.count, let call = calls[first] else { return nil }
      let isOver = calls.count - first > most.calls || bytes > most.bytes
      guard isOver || (call.endedAt ?? limit) < limit else { return nil }
      bytes -= call.output.count
      calls[first] = nil
      first += 1
      if first > 1024, first > calls.count / 2 {
        calls.removeFirst(first)
        first = 0
      }
      return call
    }
  }

  /// Calls that were answered, or those that were not.
  private struct Kind {
    var last: Line
    var large: Line
    var log: ResultLog

    /// The next call that leaves memory; nil if there is none now.
    mutating func takeOldest(at now: MonotonicInstant) -> Call? {
      let limit = now - ResultLog.retention
      if let call = large.takeOldest(endedBefore: limit) { return call }
      guard let call = last.takeOldest(endedBefore: limit) else { return nil }
      if let endedAt = call.endedAt, endedAt >= limit { log.append(call.id, call.description, endedAt: endedAt) }
      return call
    }
  }

  private var answered: Kind
  private var unanswered: Kind

  /// Holds at most `files` large results whose caller did not get them yet, in `directory`.
  init(files: Int, directory: String) {
    answered = Kind(
      last: Line(calls: Self.answeredInMemory, bytes: 4 << 20), large: Line(calls: files / 8, bytes: 1 << 30),
      log: ResultLog(limit: 1 << 30, directory: directory))
    unanswered = Kind(
      last: Line(calls: 1024, bytes: 4 << 20), large: Line(calls: files, bytes: 4 << 30),
      log: ResultLog(limit: 4 << 30, directory: directory))
  }

  mutating func add(_ call: Call) {
    let isLarge = call.output.count > Self.packedBytes
    switch (call.parameters.output == .void, isLarge) {
    case (true, true): unanswered.large.add(call)
    case (true, false): unanswered.last.add(call)
    case (false, true): answered.large.add(call)
    case (false, false): answered.last.add(call)
    }
  }

  /// The next call that leaves memory; nil if there is none now.
  mutating func takeOldest(at now: MonotonicInstant) -> Call? {
    answered.takeOldest(at: now) ?? unanswered.takeOldest(at: now)
  }

  /// Removes what is too old from the files.
  mutating func trim(at now: MonotonicInstant) {
    answered.log.trim(at: now)
    unanswered.log.trim(at: now)
  }

  /// The description of a call that left memory; nil if it is not known any more.
  func find(_ id: String, at now: MonotonicInstant) -> EncodedResult? {
    unanswered.log.find(id, at: now) ?? answered.log.find(id, at: now)
  }
}
