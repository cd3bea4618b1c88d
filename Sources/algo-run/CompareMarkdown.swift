// SPDX-License-Identifier: Apache-2.0
internal import Comparison
internal import ExecutionFiles
internal import RunModel

/// A comparison as Markdown, for a comment on a pull request.
enum CompareMarkdown {
  static func text(_ result: CompareResult) -> String {
    var text = "### \(result.sentence)\n\n"
    text += "A: \(code(result.a.title)), \(HumanFormat.counted(result.a.executions, "execution")).  \n"
    text += "B: \(code(result.b.title)), \(HumanFormat.counted(result.b.executions, "execution"))."
    if let pairs = result.pairs { text += "  \n\(HumanFormat.counted(pairs.count, "pair")) with equal inputs." }
    text += "\n\n"
    if result.emptySide == nil {
      text += "| metric | verdict | mean of A | mean of B | explanation |\n|---|---|---:|---:|---|\n"
    }
    for metric in result.emptySide == nil ? result.metrics : [] {
      let verdict = metric.verdict?.rawValue ?? ""
      let cells = [
        code(metric.name), result.failing.contains { $0.name == metric.name } ? "**\(verdict)**" : verdict,
        metric.a.map { FigureText.short($0.mean) } ?? "", metric.b.map { FigureText.short($0.mean) } ?? "",
        metric.explanation,
      ]
      text += "| " + cells.joined(separator: " | ") + " |\n"
    }
    if !result.gates.isEmpty {
      text += "\n| gate | outcome | A | B |\n|---|---|---:|---:|\n"
      for judged in result.gates {
        let outcome = judged.outcome.rawValue
        let cells = [
          code(judged.gate.description), judged.outcome == .broken ? "**\(outcome)**" : outcome,
          judged.a.map { FigureText.short($0) } ?? "", judged.b.map { FigureText.short($0) } ?? "",
        ]
        text += "| " + cells.joined(separator: " | ") + " |\n"
      }
    }
    return text
  }

  /// Text from outside, which can end neither the cell nor the code.
  private static func code(_ text: String) -> String {
    var safe = ""
    for character in TerminalText.escaped(text, limit: 200, inQuotes: false) {
      switch character {
      case "`": safe += "'"
      case "|": safe += "\\|"
      default: safe.append(character)
      }
    }
    return "`\(safe)`"
  }
}
