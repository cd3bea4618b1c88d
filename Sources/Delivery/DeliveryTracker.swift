// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import RunModel

/// Which records were submitted to a worker, what became of them and of all others, and what of that a user must know.
struct DeliveryTracker {
  private let onExpiry: Connection.OnExpiry
  /// Whether the user wants to know about the records of others.
  private let reportsAll: Bool
  /// The numbers of the submitted records in the outbox.
  private(set) var own = RecordRanges()
  /// The submitted records at this moment.
  private(set) var counts = PayloadCounts.none
  /// The outcomes of all records.
  var totals = DeliveryTotals()
  /// The last outcome of a submitted record.
  private(set) var ending: RecordEnding?
  /// Why nothing can be delivered for now.
  private(set) var obstacle: DestinationProblem?
  /// Submitted records that were given up here, and kept where they can be listed.
  private var kept = 0
  private var othersDropped = 0
  private var hasReportedExpiry = false
  private var notices: [DeliveryNotice] = []
  private var times = DeliveryTimes()

  init(_ onExpiry: Connection.OnExpiry, reportsAll: Bool) {
    self.onExpiry = onExpiry
    self.reportsAll = reportsAll
  }

  /// The outcomes of all records, and how long delivery took.
  var figures: DeliveryFigures {
    var figures = DeliveryFigures()
    (figures.totals, figures.times) = (totals, times.histogram)
    return figures
  }

  /// A record was submitted.
  mutating func submit(at now: MonotonicInstant) {
    counts.waiting += 1
    times.submit(at: now)
  }

  /// Submitted records were stored under these numbers.
  mutating func store(_ ids: [Int64]) {
    for id in ids { own.add(id) }
    times.store(ids)
  }

  /// Submitted records were appended to the file.
  mutating func write(_ count: Int, at now: MonotonicInstant) {
    times.write(count, at: now)
    end(delivered: count)
    totals.delivered += count
  }

  /// The outbox did not take submitted records.
  mutating func setAside(_ count: Int, isKept: Bool) {
    times.setAside(count)
    end(undelivered: isKept ? 0 : count, handedOff: isKept ? count : 0)
  }

  /// Records were found damaged.
  mutating func corrupt(_ ids: [Int64]) {
    notices.append(.corrupt(ids))
    let lost = ids.count(where: own.contains)
    end(undelivered: lost, kept: lost)
  }

  /// Something became of a record.
  mutating func end(_ id: Int64, _ ending: RecordEnding, at now: MonotonicInstant) {
    times.end(id, ending, at: now)
    let isOwn = own.contains(id)
    if isOwn { self.ending = ending }
    let one = isOwn ? 1 : 0
    switch ending {
    case .postponed: break
    case .delivered:
      totals.delivered += 1
      end(delivered: one)
    case .rejected(let reason):
      totals.rejected += 1
      end(undelivered: one, kept: one)
      if isOwn || reportsAll { notices.append(.rejected(reason)) }
    case .expired(let cause):
      let isKept = onExpiry == .keep
      if isKept { totals.expired += 1 } else { totals.dropped += 1 }
      end(undelivered: one, kept: isKept ? one : 0)
      if isOwn || reportsAll {
        if !hasReportedExpiry { notices.append(.expired(cause, onExpiry)) }
        hasReportedExpiry = true
      } else if !isKept {
        // Those that are kept can be listed at any time.
        othersDropped += 1
      }
    }
  }

  /// Other deliverers ended all submitted records that still count as waiting. Records that they gave up can be listed,
  /// the rest arrived, unless it may have been dropped at the end of its window.
  ///
  /// - Parameters:
  ///   - listed: how many can be listed, those that were given up here included.
  ///   - mayBeDropped: whether a window of the records is over and expired records are not kept.
  mutating func endRest(listed: Int, mayBeDropped: Bool) {
    let lost = mayBeDropped ? counts.waiting : min(counts.waiting, max(0, listed - kept))
    end(delivered: counts.waiting - lost, undelivered: lost, kept: lost)
    if lost > 0 { notices.append(.givenUpElsewhere(lost)) }
  }

  private mutating func end(delivered: Int = 0, undelivered: Int = 0, kept: Int = 0, handedOff: Int = 0) {
    // A record that was given up may have been made pending again by an operator: it stays counted as it was.
    guard counts.waiting >= delivered + undelivered + handedOff else { return }
    counts.waiting -= delivered + undelivered + handedOff
    counts.delivered += delivered
    counts.undelivered += undelivered
    counts.handedOff += handedOff
    self.kept += kept
  }

  /// This keeps records from being delivered; nil if nothing is known to be wrong.
  mutating func note(_ current: DestinationProblem?) {
    guard current != obstacle else { return }
    if let current {
      notices.append(.waiting(current))
    } else if let obstacle {
      notices.append(.unblocked(obstacle))
      hasReportedExpiry = false
    }
    obstacle = current
  }

  /// Messages for the user since the last call.
  mutating func takeNotices() -> [DeliveryNotice] {
    defer { (notices, othersDropped) = ([], 0) }
    return othersDropped > 0 ? notices + [.othersDropped(othersDropped)] : notices
  }
}
