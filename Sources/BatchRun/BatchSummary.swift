internal import RunModel

/// What a batch came to: a few lines to read, and the same as JSON.
public struct BatchSummary {
  /// Why a batch ended before its list did.
  public enum Cut: String, Sendable {
    /// Somebody asked it to stop.
    case interrupted
    /// `--halt-after` was reached.
    case halted
    /// Requests or results could not be read or written.
    case broken
  }

  let algorithm: String
  let tally: BatchTally
  let cut: Cut?
  let elapsed: Duration
  let payloads: PayloadCounts

  /// 130 interrupted, 1 some failed, 0 all succeeded.
  public var exitStatus: Int32 {
    if cut == .interrupted { return 130 }
    return tally.failed > 0 ? 1 : 0
  }

  /// The lines to read.
  public var lines: [String] {
    var lines: [String] = []
    var first = "\(Figures.counted(tally.finished, "request")) in \(Figures.span(elapsed))"
    if tally.finished > 1 { first += " (\(Figures.rate(tally.finished, elapsed)))" }
    let counts = Outcome.allCases.compactMap { outcome in
      tally.outcomes[outcome].map { "\(Figures.grouped($0)) \(outcome.rawValue)" }
    }
    lines.append(counts.isEmpty ? first : first + ": " + counts.joined(separator: ", "))
    if tally.skipped > 0 { lines.append("\(Figures.grouped(tally.skipped)) had succeeded before and were not run") }
    if let p50 = tally.durations.percentile(50), let p95 = tally.durations.percentile(95),
      let p99 = tally.durations.percentile(99)
    {
      lines.append("duration p50 \(Figures.short(p50)), p95 \(Figures.short(p95)), p99 \(Figures.short(p99))")
    }
    if payloads != .none {
      var line = "payloads: \(Figures.grouped(payloads.delivered)) delivered, "
      line += "\(Figures.grouped(payloads.waiting + payloads.left)) waiting in the outbox"
      if payloads.lost > 0 {
        line += ", \(Figures.grouped(payloads.lost)) rejected or expired (see algo-run outbox list)"
      }
      lines.append(line)
    }
    if tally.rejections > 0 { lines.append("\(Figures.counted(tally.rejections, "metric")) rejected; see the results") }
    if tally.truncated > 0 { lines.append("\(Figures.counted(tally.truncated, "result")) cut at --max-output") }
    switch cut {
    case .interrupted: lines.append("interrupted; run again with --output FILE --resume for the rest")
    case .halted: lines.append("halted by --halt-after; run again with --output FILE --resume for the rest")
    case .broken, nil: break
    }
    return lines
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
    json.member("truncated_results", integer: tally.truncated)
    json.member("ended_early", orNull: cut?.rawValue)
    json.member("elapsed_milliseconds", number: elapsed.millisecondsText)
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
    json.member("waiting", integer: payloads.waiting + payloads.left)
    json.member("lost", integer: payloads.lost)
    json.endObject()
    json.member("exit_status", integer: exitStatus)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
