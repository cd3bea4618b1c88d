// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Comparison
internal import ExecutionFiles
internal import JSONText
internal import Platform
internal import RunModel
internal import StateStore

/// `algo-run runs stats`: each metric of each version in figures.
enum RunsStats {
  static func run(_ invocation: Invocation, _ history: History, _ selection: RunSelection) throws -> Int32 {
    var blocks: [String] = []
    for version in try history.versions(selection) {
      var one = selection
      one.reference = version
      // A payload of the standard format does not show it.
      let outcomes = try history.outcomes(one).map {
        (outcome: $0.outcome.isEmpty ? "unknown" : $0.outcome, count: $0.count)
      }
      let summaries = try summaries(history, one)
      let count = outcomes.reduce(0) { $0 + $1.count }
      if invocation.flag("json") {
        guard StandardOutput.write(json(version, count, outcomes, summaries)) else { return 1 }
      } else {
        let counts = outcomes.map { "\($0.count) \($0.outcome)" }.joined(separator: ", ")
        blocks.append(
          "\(version): \(HumanFormat.counted(count, "execution")) (\(counts))\n"
            + Table.text(rows(summaries, of: count, columns: Descriptor.standardOutput.terminalColumns)))
      }
    }
    if !blocks.isEmpty { return StandardOutput.write(blocks.joined(separator: "\n")) ? 0 : 1 }
    if !invocation.flag("json") { Message.print("there is no such execution; list all with: algo-run runs.") }
    return 0
  }

  private static func summaries(
    _ history: History, _ selection: RunSelection
  ) throws -> [Summary] {
    let columns = try history.columns(selection)
    do throws(SystemError) {
      var summaries: [Summary] = []
      func add(_ name: String, _ column: ColumnName) throws(SystemError) {
        let values = try columns.reported(column)
        guard let figures = SampleSummary(values.sorted()) else { return }
        summaries.append(Summary(name: name, figures: figures, course: Sparkline.course(of: values, pieces: pieces)))
      }
      for name in columns.metrics { try add(name, .metric(name)) }
      for (place, name) in figures.enumerated() { try add(name, .supervisor(place)) }
      return summaries
    } catch { throw ScratchFolder.failure(error, status: 1) }
  }

  /// One metric of a version.
  private struct Summary {
    let name: String
    let figures: SampleSummary
    /// Its values over time, in ``pieces`` means at most.
    let course: [Double]

    /// The figures, named as in JSON.
    var named: [(name: String, value: Double?)] {
      [
        ("mean", figures.mean), ("sd", figures.deviation), ("min", figures.minimum), ("p5", figures.percentile(5)),
        ("p50", figures.percentile(50)), ("p95", figures.percentile(95)), ("max", figures.maximum),
      ]
    }
  }

  private static let pieces = 24
  private static let figures = ["@duration", "@cpu", "@rss"]
  /// Columns that a narrow terminal does without, the first ones first.
  private static let dispensable = ["P5", "MIN", "MAX", "REPORTED", "SD", "P95", "N"]
  /// Characters that stay of a metric's name.
  private static let leastName = 16

  private static func rows(
    _ summaries: [Summary], of count: Int, columns: Int?
  ) -> [[String]] {
    var rows = [["METRIC", "N", "REPORTED", "MEAN", "SD", "MIN", "P5", "P50", "P95", "MAX"]]
    for summary in summaries {
      let share = Double(summary.figures.count) / Double(count) * 100
      rows.append(
        [
          TerminalText.escaped(summary.name, limit: 40, inQuotes: false), "\(summary.figures.count)",
          Figure.text(share, digits: 3) + "%",
        ] + summary.named.map { $0.value.map { Figure.text($0) } ?? "-" })
    }
    guard let columns else { return rows }
    fit(&rows, into: columns)
    // The course is shown if there is room for it.
    let room = columns - Table.width(rows) - 2
    guard room >= 8 else { return rows }
    rows[0].append("OVER TIME")
    for (index, summary) in summaries.enumerated() {
      rows[index + 1].append(Sparkline.text(Sparkline.course(of: summary.course, pieces: room)))
    }
    return rows
  }

  /// Cuts names first, then leaves out columns.
  private static func fit(_ rows: inout [[String]], into columns: Int) {
    let excess = Table.width(rows) - columns
    guard excess > 0 else { return }
    let longest = rows.map { $0[0].count }.max() ?? 0
    for row in rows.indices { rows[row][0] = RunsText.cut(rows[row][0], to: max(leastName, longest - excess)) }
    Table.leaveOut(dispensable, of: &rows) { Table.width($0) <= columns }
  }

  private static func json(
    _ version: AlgorithmReference, _ count: Int, _ outcomes: [(outcome: String, count: Int)],
    _ summaries: [Summary]
  ) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("algorithm", version.description)
    json.member("executions", integer: count)
    json.name("outcomes")
    json.beginObject()
    for (outcome, count) in outcomes { json.member(outcome, integer: count) }
    json.endObject()
    json.name("metrics")
    json.beginArray()
    for summary in summaries {
      json.beginObject()
      json.member("name", summary.name)
      json.member("n", integer: summary.figures.count)
      json.member("reported", number: "\(Double(summary.figures.count) / Double(count))")
      for (name, value) in summary.named {
        if let value, value.isFinite { json.member(name, number: "\(value)") }
      }
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

/// Values as a line of blocks.
enum Sparkline {
  private static let blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// The means of that many pieces of equal length, or all values if they are fewer.
  static func course(of values: [Double], pieces: Int) -> [Double] {
    guard values.count > pieces, pieces > 0 else { return values }
    return (0..<pieces).map { piece in
      let part = values[piece * values.count / pieces..<(piece + 1) * values.count / pieces]
      return part.reduce(0) { $0 + $1 / Double(part.count) }
    }
  }

  static func text(_ values: [Double]) -> String {
    guard let least = values.min(), let most = values.max() else { return "" }
    // Halved first: the difference of two doubles may be none.
    let range = most / 2 - least / 2
    return values.map { blocks[range > 0 ? min(7, Int(($0 / 2 - least / 2) / range * 8)) : 3] }.joined()
  }
}
