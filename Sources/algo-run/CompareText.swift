// SPDX-License-Identifier: Apache-2.0
internal import Comparison
internal import ExecutionFiles
internal import RunModel

/// A comparison for people: sides, a sentence on each metric, gates, the sum.
enum CompareText {
  static func text(_ result: CompareResult, _ plot: ComparePlot, which: String) -> String {
    var text = "A  \(side(result.a))\nB  \(side(result.b))\n"
    if let pairs = result.pairs {
      text += "   \(HumanFormat.counted(pairs.count, "pair")) of executions with equal inputs; without a partner: "
      text += "\(HumanFormat.grouped(pairs.unmatchedA)) of A, \(HumanFormat.grouped(pairs.unmatchedB)) of B\n"
    }
    text += "\n"
    let width = result.metrics.map { $0.verdict?.rawValue.count ?? 0 }.max() ?? 0
    for metric in result.emptySide == nil ? result.metrics : [] {
      let verdict = metric.verdict?.rawValue ?? ""
      text += verdict + String(repeating: " ", count: width - verdict.count + 2)
      text += "\(TerminalText.escaped(metric.name, inQuotes: false)): \(metric.explanation)\n"
      let isChanged = [.drift, .small, .inconclusive, .rateChanged].contains(metric.verdict)
      if which == "all" || which == "changed" && isChanged { text += plot.lines(metric) }
    }
    if result.metrics.isEmpty, result.emptySide == nil { text += "No metric was reported on either side.\n" }
    if !result.shown.isEmpty { text += "\n" + shown(result.shown) }
    if !result.gates.isEmpty { text += "\n" + result.gates.map { gate($0) + "\n" }.joined() }
    return text + "\n" + result.sentence + "\n"
  }

  private static func side(_ side: CompareSide) -> String {
    "\(side.title)  \(HumanFormat.counted(side.executions, "execution"))"
  }

  /// Measured by the supervisor; they follow the machine's load and are judged only by gates.
  private static func shown(_ figures: [MetricComparison]) -> String {
    var rows = [["NOT JUDGED", "MEAN A", "MEAN B", "P50 A", "P50 B", "P95 A", "P95 B"]]
    for figure in figures {
      guard let a = figure.a, let b = figure.b else { continue }
      rows.append(
        [unit(figure.name)]
          + [a.mean, b.mean, a.percentile(50), b.percentile(50), a.percentile(95), b.percentile(95)].map {
            FigureText.short($0)
          })
    }
    return Table.text(rows)
  }

  private static func unit(_ name: String) -> String {
    switch name {
    case "@duration", "@cpu": "\(name) (ms)"
    case "@rss": "\(name) (bytes)"
    default: "\(name) (share)"
    }
  }

  private static func gate(_ judged: CompareResult.Judged) -> String {
    let figures = [
      judged.a.map { "A has \(FigureText.short($0))" },
      judged.b.map { judged.a == nil ? FigureText.short($0) : "B has \(FigureText.short($0))" },
    ]
    let shown = figures.compactMap { $0 }.joined(separator: ", ")
    return "gate \(judged.outcome.rawValue)  \(TerminalText.escaped(judged.gate.description, inQuotes: false))"
      + (shown.isEmpty ? "" : ": \(shown)")
  }
}
