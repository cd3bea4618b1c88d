// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// Pieces that many pages show.
extension HTML {
  /// An identifier that is shortened to a part that is unique; it copies in full.
  static func identifier(_ id: String, link: Bool = true) -> HTML {
    let short = id.utf8.count > 14 ? "\(id.prefix(12))…" : id
    let code: HTML = "<code title=\"\(id)\">\(short)</code>"
    let shown: HTML = link ? "<a href=\"/executions/\(URLText.segment(id))\">\(code)</a>" : code
    return "<span class=\"copy\" data-copy=\"\(id)\">\(shown)</span>"
  }

  /// The outcome of an execution as a word; the colour repeats it.
  static func outcome(_ outcome: String) -> HTML {
    let kind: HTML =
      switch outcome {
      case "succeeded": "good"
      case "running", "queued": "note"
      case "canceled": "warn"
      default: "bad"
      }
    return "<span class=\"badge \(kind)\">\(outcome.replacingAll("_", with: " "))</span>"
  }

  /// Whether Insights is on, as words.
  static func insights(_ isOn: Bool) -> HTML {
    isOn ? "<span class=\"badge good\">Insights on</span>" : "<span class=\"badge\">Insights off</span>"
  }

  /// Where the payload of an execution is. One that never started has none, whether Insights is on or off.
  static func delivery(_ row: ExecutionRow) -> HTML {
    let (kind, word): (HTML, String) =
      switch row.delivery {
      case "delivered", "written": ("good", row.delivery)
      case "queued", "pending": ("note", row.delivery)
      case "insights_off": ("", row.outcome == "failed_to_start" ? "no payload" : "Insights off")
      default: ("bad", row.delivery)
      }
    return "<span class=\"badge \(kind)\">\(word)</span>"
  }

  /// The number that makes a form count once.
  static func once() -> HTML {
    let number = UInt64.random(in: .min ... .max)
    return "<input type=\"hidden\" name=\"once\" value=\"\(String(number, radix: 16))\">"
  }

  /// Shown instead of a list that has nothing yet.
  static func empty(_ title: HTML, _ text: HTML, command: String? = nil) -> HTML {
    let line: HTML = command.map { "<p class=\"copy\"><code>\($0)</code></p>" } ?? .none
    return "<section class=\"empty\"><h2>\(title)</h2><p>\(text)</p>\(line)</section>"
  }
}
