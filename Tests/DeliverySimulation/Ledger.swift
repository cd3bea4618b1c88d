// SPDX-License-Identifier: Apache-2.0
import Platform
import RunModel

/// The truth: what was submitted, what the destination has, and what was reported. Finds broken promises.
final class Ledger {
  struct Truth {
    let record: InsightsRecord
    /// Which process submitted it.
    let owner: Int
    let isTooLarge: Bool
    var wasDenied = false
    /// Times that it is at the destination.
    var copies = 0
    /// Processes that got an acknowledgement of it.
    var acknowledgedTo: Set<Int> = []
    /// Whether the process that got it may have ended before it could store it.
    var mayBeSentAgain = false
    var durable: Delivery?
    var windowEnd: Timestamp?
  }

  private let trace: (String) -> Void
  private(set) var truths: [String: Truth] = [:]
  private(set) var violation: Violation?

  init(_ trace: @escaping (String) -> Void) { self.trace = trace }

  var keys: [String] { truths.keys.sorted() }
  subscript(key: String) -> Truth? { truths[key] }

  func fail(_ promise: Promise, _ detail: String) {
    if violation == nil { violation = Violation(promise: promise, detail: detail) }
  }

  func submit(_ record: InsightsRecord, by process: Int, isTooLarge: Bool) {
    truths[record.key] = Truth(record: record, owner: process, isTooLarge: isTooLarge)
  }

  /// A record was handed to the destination.
  func send(_ record: InsightsRecord, by process: Int) {
    trace("process \(process) sends \(record.key)")
    guard let truth = truths[record.key] else {
      return fail(.nothingIsInvented, "\(record.key) was sent and never submitted")
    }
    if truth.record != record { fail(.nothingIsInvented, "\(record.key) was changed on its way") }
    if !truth.acknowledgedTo.isEmpty, !truth.mayBeSentAgain {
      fail(.nothingIsSentAfterItsAcknowledgement, "\(record.key) was sent after its acknowledgement")
    }
  }

  /// The destination has it now.
  func arrive(_ key: String) {
    if truths[key] == nil { return fail(.nothingIsInvented, "\(key) arrived and was never submitted") }
    truths[key]?.copies += 1
  }

  func deny(_ key: String) { truths[key]?.wasDenied = true }

  /// An acknowledgement was given to a process.
  func acknowledge(_ key: String, to process: Int) {
    trace("process \(process) gets the acknowledgement of \(key)")
    truths[key]?.acknowledgedTo.insert(process)
  }

  /// A process ended without storing all that it knew.
  func crash(_ process: Int) {
    trace("process \(process) is gone")
    for (key, truth) in truths where truth.acknowledgedTo.contains(process) { truths[key]?.mayBeSentAgain = true }
  }

  /// A payload was reported as durable.
  func becomeDurable(_ key: String, _ delivery: Delivery, windowEnd: Timestamp) {
    guard let truth = truths[key] else { return }
    if truth.durable != nil { fail(.reportsAreTrue, "\(key) became durable twice") }
    truths[key]?.durable = delivery
    truths[key]?.windowEnd = windowEnd
    if delivery.state == .written, truth.copies == 0 { fail(.reportsAreTrue, "\(key) is not written") }
  }

  /// An operator gave it a new window.
  func renew(_ key: String, until end: Timestamp) { truths[key]?.windowEnd = end }
}
