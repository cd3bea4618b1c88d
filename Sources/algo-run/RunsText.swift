// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// How executions are shown to people.
enum RunsText {
  private static let names = ["STARTED", "REQUEST", "VERSION", "OUTCOME", "DURATION", "DELIVERY"]
  /// Columns that a narrow terminal does without, the first ones first.
  private static let dispensable = ["DELIVERY", "DURATION", "VERSION", "STARTED"]
  /// Columns that the last cell has at least.
  private static let leastColumns = 14

  /// One row an execution, under a headline, not wider than the terminal.
  ///
  /// - Parameter columns: the width of the terminal; nil for none, which gets all of each row.
  static func table(_ runs: [JSONMembers], metric: String?, columns: Int?) -> String {
    var rows = [names + [metric.map { TerminalText.escaped($0, inQuotes: false) } ?? "METRICS"]]
    for run in runs {
      rows.append([
        started(run), TerminalText.escaped(run.string("request_id") ?? "", limit: 256, inQuotes: false),
        run.string("algorithm") ?? "-", outcome(run), duration(run), delivery(run), metrics(run, metric),
      ])
    }
    guard let columns else { return Table.text(rows) }
    // Narrow terminals do without the end of an identifier first, then without columns and the end of the metrics.
    func isNarrow(_ rows: [[String]]) -> Bool { widthBeforeLast(rows) + leastColumns <= columns }
    if !isNarrow(rows) {
      for row in rows.indices { rows[row][1] = String(rows[row][1].prefix(12)) }
    }
    Table.leaveOut(dispensable, of: &rows, until: isNarrow)
    let rest = max(columns - widthBeforeLast(rows), leastColumns)
    for row in rows.indices { rows[row].append(cut(rows[row].removeLast(), to: rest)) }
    return Table.text(rows)
  }

  private static func widthBeforeLast(_ rows: [[String]]) -> Int { Table.width(rows.map { $0.dropLast() }) + 2 }

  static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : text.prefix(width - 1) + "…"
  }

  static func started(_ run: JSONMembers) -> String { String((run.string("timestamp") ?? "").prefix(19)) + "Z" }

  /// The outcome with its code or signal: `failed 3`.
  static func outcome(_ run: JSONMembers) -> String {
    let outcome = run.string("outcome") ?? "-"
    switch outcome {
    case Outcome.failed.rawValue: return "\(outcome) \(run.integer("exit_code").map { "\($0)" } ?? "")"
    case Outcome.signaled.rawValue: return "\(outcome) \(run.integer("signal").map { "\($0)" } ?? "")"
    default: return outcome
    }
  }

  private static func duration(_ run: JSONMembers) -> String {
    duration(milliseconds: number(run["duration_milliseconds"]))
  }

  /// A duration as people read it: `8.4ms`, `1.25s`, `3m 20s`.
  static func duration(milliseconds: Double?) -> String {
    guard let milliseconds else { return "-" }
    if milliseconds < 1000 { return Figure.text(milliseconds, digits: 3) + "ms" }
    let seconds = milliseconds / 1000
    if seconds < 60 { return Figure.text(seconds, digits: 3) + "s" }
    return "\(Int(seconds) / 60)m \(Int(seconds) % 60)s"
  }

  private static func number(_ json: [UInt8]?) -> Double? {
    json.flatMap { Double(String(decoding: $0, as: UTF8.self)) }
  }

  static func delivery(_ run: JSONMembers) -> String {
    let state = run["delivery"].flatMap { JSONMembers($0) }?.string("state") ?? "-"
    return state == Delivery.State.insightsOff.rawValue ? "-" : state
  }

  private static func metrics(_ run: JSONMembers, _ metric: String?) -> String {
    guard let members = run["metrics"].flatMap({ JSONMembers($0) }) else { return "" }
    if let metric { return members[metric].map { String(decoding: $0, as: UTF8.self) } ?? "" }
    return members.all.map {
      "\(TerminalText.escaped($0.name, inQuotes: false))=\(String(decoding: $0.value, as: UTF8.self))"
    }
    .joined(separator: " ")
  }
}
