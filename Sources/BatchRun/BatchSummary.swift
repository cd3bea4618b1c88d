// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// The result of a batch: a few lines to read, and the same as JSON.
public struct BatchSummary {
  let algorithm: String
  let tally: BatchTally
  /// Nil unless it ended before its list did.
  let stopReason: StopReason?
  /// Requests of the list that no result was written for; nil if the list was not counted to its end.
  let notRun: Int?
  /// Whether the results are in a file that `--resume` can complete.
  let canResume: Bool
  /// Time until the last request had ended.
  let elapsed: Duration
  /// Time that delivery took after that.
  let drained: Duration
  let payloads: PayloadCounts
  /// Lines of metrics that came after the answer of their request.
  let lateMetrics: Int

  /// A longer drain is reported.
  private static let notableDrain = Duration.seconds(1)

  /// 130 interrupted, 1 some failed or could not start, 0 all succeeded.
  public var exitStatus: Int32 {
    switch stopReason {
    case .interrupted: 130
    case .executorFailed: 1
    default: tally.failed > 0 ? 1 : 0
    }
  }

  /// Lines for `--quiet`: facts that appear nowhere else.
  public var linesWhenQuiet: [String] {
    tally.rejections > BatchRun.rejectionLines ? [rejectionLine] : []
  }

  private var rejectionLine: String { "\(HumanFormat.counted(tally.rejections, "metric")) rejected; see the results" }

  /// The lines to read.
  public var lines: [String] {
    var lines: [String] = []
    var first = "\(HumanFormat.counted(tally.finished, "request")) in \(HumanFormat.span(elapsed))"
    if tally.finished > 1 { first += " (\(HumanFormat.rate(tally.finished, elapsed)))" }
    let counts = Outcome.allCases.compactMap { outcome in
      tally.outcomes[outcome].map { "\(HumanFormat.grouped($0)) \(outcome.rawValue)" }
    }
    if !counts.isEmpty { first += ": " + counts.joined(separator: ", ") }
    if tally.retries > 0 { first += " (\(HumanFormat.counted(tally.retries, "repeated attempt")))" }
    lines.append(first)
    if tally.skipped > 0 { lines.append("\(HumanFormat.grouped(tally.skipped)) had succeeded before and were not run") }
    if let p50 = tally.durations.percentile(50), let p95 = tally.durations.percentile(95),
      let p99 = tally.durations.percentile(99)
    {
      lines.append(
        "duration p50 \(HumanFormat.short(p50)), p95 \(HumanFormat.short(p95)), p99 \(HumanFormat.short(p99))")
    }
    if payloads != .none {
      var line = "payloads: \(HumanFormat.grouped(payloads.delivered)) delivered, "
      line += "\(HumanFormat.grouped(payloads.waiting + payloads.handedOff)) waiting in the outbox"
      if payloads.undelivered > 0 {
        line += ", \(HumanFormat.grouped(payloads.undelivered)) rejected or expired (see algo-run outbox list)"
      }
      if drained >= Self.notableDrain { line += "; delivery went on for \(HumanFormat.span(drained))" }
      lines.append(line)
    }
    if tally.rejections > 0 { lines.append(rejectionLine) }
    if tally.truncated > 0 { lines.append("\(HumanFormat.counted(tally.truncated, "result")) cut at --max-output") }
    switch stopReason {
    case .interrupted: lines.append("interrupted" + rest)
    case .halted: lines.append("halted by --halt-after" + rest)
    case .executorFailed: lines.append("gave up" + rest)
    case .failed, nil: break
    }
    return lines
  }

  /// The state of the rest of the list, and how to run it.
  private var rest: String {
    if notRun == 0, tally.failed == 0 { return "; all requests had run" }
    let count = notRun.map { "; \(HumanFormat.counted($0, "request")) not run" } ?? ""
    return count + (canResume ? "; run again with --resume for the rest" : "; with --output FILE it could be resumed")
  }

  /// One JSON object and a newline.
  public var json: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("algorithm", algorithm)
    json.member("requests", integer: tally.finished)
    json.name("outcomes")
    json.beginObject()
    for outcome in Outcome.allCases { json.member(outcome.rawValue, integer: tally.outcomes[outcome] ?? 0) }
    json.endObject()
    json.member("skipped", integer: tally.skipped)
    json.member("retries", integer: tally.retries)
    json.member("rejected_metrics", integer: tally.rejections)
    json.member("late_metrics", integer: lateMetrics)
    json.member("truncated_results", integer: tally.truncated)
    json.member("ended_early", orNull: stopReason?.name)
    json.member("not_run", integer: notRun)
    json.member("elapsed_milliseconds", number: elapsed.millisecondsText)
    json.member("drain_milliseconds", number: drained.millisecondsText)
    json.name("duration_milliseconds")
    json.beginObject()
    for percent in [50, 95, 99] {
      json.name("p\(percent)")
      if let duration = tally.durations.percentile(percent) { json.raw(duration.millisecondsText) } else { json.null() }
    }
    json.endObject()
    json.name("payloads")
    json.beginObject()
    json.member("delivered", integer: payloads.delivered)
    json.member("waiting", integer: payloads.waiting + payloads.handedOff)
    json.member("undelivered", integer: payloads.undelivered)
    json.endObject()
    json.member("exit_status", integer: exitStatus)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
