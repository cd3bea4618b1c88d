// SPDX-License-Identifier: Apache-2.0
public import Comparison
public import RunModel

/// The differences between two versions: a verdict on each metric, with both distributions.
public enum ComparePage {
  /// A finished comparison.
  public struct Outcome: Sendable {
    /// Executions of A and of B.
    public var executions = (a: 0, b: 0)
    /// The result in one sentence.
    public var sentence = ""
    /// True if something changed, false if not, nil if nothing could be judged.
    public var hasDrift: Bool?
    /// The judged metrics.
    public var metrics: [MetricComparison] = []
    /// Figures of the supervisor, which are not judged.
    public var figures: [MetricComparison] = []
    /// Pairs of executions with equal inputs; nil if they are not paired.
    public var pairs: Int?

    /// An empty one.
    public init() {}
  }

  /// The newest executions of each side that are compared.
  public static let executions = 20_000
  /// Metrics that are drawn.
  private static let drawn = 50

  /// - Parameters:
  ///   - versions: those that have executions, newest first.
  ///   - chosen: A and B; nil if there are no two versions.
  ///   - outcome: nil if nothing was compared; then `problem` may say why.
  public static func page(
    _ algorithm: AlgorithmName, versions: [VersionNumber], chosen: (a: VersionNumber, b: VersionNumber)?,
    outcome: Outcome?, problem: String? = nil, viewer: Viewer
  ) -> [UInt8] {
    let (a, b) = (chosen.map { "\($0.a)" } ?? "A", chosen.map { "\($0.b)" } ?? "B")
    let sides = (a: "A (\(a))", b: "B (\(b))")
    let command = "algo-run compare \(algorithm)/\(a) \(algorithm)/\(b)"
    let both = viewer.executions("algorithm=\(algorithm)/{\(a),\(b)}&limit=1000")
    let layout = AlgorithmTab.compare.layout(
      algorithm, viewer, notice: problem.map { .failed("\($0)") },
      lines: [
        .init("Compare", command),
        .init(
          "From another host",
          "\(both) -s | jq -c '.results[]' | algo-run compare --from - \(algorithm)/\(a) \(algorithm)/\(b)"),
      ])
    guard let chosen else {
      return layout.page(
        .empty(
          "There are no two versions to compare yet",
          """
          A comparison takes the executions of two versions and judges each metric: same, drift, or too few to know. \
          Publish a second version and run both on the same requests; then they are compared input by input.
          """, command: "algo-run batch \(algorithm) requests.ndjson --output results.ndjson"))
    }
    let options = versions.map { (value: "\($0)", name: "\($0)") }
    let form: HTML = """
      <form class="filter" method="get" action="\(AlgorithmTab.compare.path(algorithm))">
      \(Field.choice("a", "A, known to be good", options, chosen: "\(chosen.a)"))
      \(Field.choice("b", "B, in question", options, chosen: "\(chosen.b)"))<button>Compare</button></form>
      """
    guard let outcome else { return layout.page(form) }
    return layout.page(
      """
      \(form)\(verdict(outcome))<p class="hint">\(extent(outcome, sides))</p>\(table(outcome.metrics, sides))
      \(HTML(outcome.metrics.prefix(drawn).enumerated().map { card($1, number: $0, sides) }))\(cut(outcome))\(figures(outcome.figures, sides))
      """)
  }

  private static func verdict(_ outcome: Outcome) -> HTML {
    let kind: HTML = outcome.hasDrift.map { $0 ? "bad" : "good" } ?? "note"
    return "<p class=\"notice \(kind)\" role=\"status\" aria-label=\"Verdict\"><strong>\(outcome.sentence)</strong></p>"
  }

  private static func extent(_ outcome: Outcome, _ sides: (a: String, b: String)) -> HTML {
    let (a, b) = outcome.executions
    let cut: HTML =
      max(a, b) < executions ? .none : " Of each side the newest \(HumanFormat.grouped(executions)) count here."
    let pairs: HTML =
      outcome.pairs.map {
        " They ran the same inputs, so \(HumanFormat.grouped($0)) pairs are compared input by input."
      } ?? .none
    return """
      \(sides.a): \(HumanFormat.counted(a, "execution")). \(sides.b): \(HumanFormat.counted(b, "execution")).\(pairs)\(cut)
      """
  }

  private static func badge(_ verdict: Verdict?) -> HTML {
    let kind: HTML =
      switch verdict {
      case .drift, .rateChanged: "bad"
      case .same, .small, .constant: "good"
      case .inconclusive, .insufficient: "warn"
      case .added, .removed: "note"
      case nil: ""
      }
    return "<span class=\"badge \(kind)\">\((verdict?.rawValue ?? "").replacingAll("_", with: " "))</span>"
  }

  private static func mean(_ summary: SampleSummary?) -> String { summary.map { FigureText.short($0.mean) } ?? "–" }

  private static func table(_ metrics: [MetricComparison], _ sides: (a: String, b: String)) -> HTML {
    guard !metrics.isEmpty else {
      return .empty(
        "Neither version reported a metric", "A line of JSON on descriptor 3 is a report.",
        command: "echo '{\"score\": 0.93}' >&3")
    }
    let rows = metrics.enumerated().map { number, metric -> HTML in
      let name: HTML =
        number < drawn
        ? "<a href=\"#metric-\(number)\"><code>\(metric.name)</code></a>" : "<code>\(metric.name)</code>"
      return """
        <tr><th scope="row">\(name)</th><td>\(badge(metric.verdict))</td><td class="number">\(mean(metric.a))</td>
        <td class="number">\(mean(metric.b))</td><td class="number">\(HumanFormat.grouped(metric.a?.count ?? 0))</td>
        <td class="number">\(HumanFormat.grouped(metric.b?.count ?? 0))</td></tr>
        """
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="Metrics"><table><thead><tr><th scope="col">Metric</th><th scope="col">Verdict</th>
      <th scope="col" class="number">Mean<span class="unit">\(sides.a)</span></th><th scope="col" class="number">Mean<span class="unit">\(sides.b)</span></th>
      <th scope="col" class="number">Values<span class="unit">\(sides.a)</span></th><th scope="col" class="number">Values<span class="unit">\(sides.b)</span></th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table></div>
      """
  }

  private static func card(_ metric: MetricComparison, number: Int, _ sides: (a: String, b: String)) -> HTML {
    let bars = Histogram.bars(metric)
    let isCategories = metric.distributions?.categories != nil
    let drawing = Histogram.draw(metric.name, bars, isCategories: isCategories, sides: sides)
    let rows = bars.map { bar -> HTML in
      """
      <tr><th scope="row">\(bar.name)</th><td class="number">\(FigureText.short(bar.a)) %</td><td class="number">\(FigureText.short(bar.b)) %</td></tr>
      """
    }
    let values: HTML =
      drawing.bytes.isEmpty
      ? .none
      : """
      \(legend(sides))\(drawing)<details><summary>Values</summary><div class="shown" tabindex="0" role="region" aria-label="Values of \(metric.name)"><table class="quiet">
      <thead><tr><th scope="col">Value</th><th scope="col" class="number">\(sides.a)</th><th scope="col" class="number">\(sides.b)</th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table></div></details>
      """
    return """
      <section class="card plot-card" id="metric-\(number)"><h2>\(metric.name) \(badge(metric.verdict))</h2><p>\(sentence(metric))</p>\(values)</section>
      """
  }

  /// The explanation as a sentence of its own.
  private static func sentence(_ metric: MetricComparison) -> String {
    let text = metric.explanation
    return text.prefix(1).uppercased() + text.dropFirst()
  }

  private static func legend(_ sides: (a: String, b: String)) -> HTML {
    """
    <ul class="legend" aria-label="Sides"><li><svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true"><g class="bars"><rect class="p0" width="16" height="12"/></g></svg>\(sides.a)</li>
    <li><svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true"><path class="outline p1" d="M1 11V2H15V11"/></svg>\(sides.b)</li></ul>
    """
  }

  private static func cut(_ outcome: Outcome) -> HTML {
    outcome.metrics.count <= drawn
      ? .none : "<p class=\"muted\">The first \(drawn) of \(outcome.metrics.count) metrics are drawn.</p>"
  }

  /// Measured from outside; they follow the load of the machine.
  private static func figures(_ figures: [MetricComparison], _ sides: (a: String, b: String)) -> HTML {
    let names = ["@duration": "Duration", "@cpu": "CPU", "@rss": "Peak memory", "@failed": "Failed"]
    func text(_ value: Double, _ name: String) -> String {
      switch name {
      case "@duration", "@cpu": HTML.duration(milliseconds: value)
      case "@rss": HTML.size(Int(value))
      default: FigureText.percent(value)
      }
    }
    let rows = figures.compactMap { figure -> HTML? in
      guard let a = figure.a, let b = figure.b, let name = names[figure.name] else { return nil }
      let cells = [a.mean, b.mean, a.percentile(50), b.percentile(50), a.percentile(95), b.percentile(95)].enumerated()
        .map { place, value -> HTML in
          // A share has no quantiles.
          "<td class=\"number\">\(place > 1 && figure.name == "@failed" ? "" : text(value, figure.name))</td>"
        }
      return "<tr><th scope=\"row\">\(name)</th>\(HTML(cells))</tr>"
    }
    guard !rows.isEmpty else { return .none }
    let heads = ["Mean", "Median", "95th percentile"].flatMap { name in
      [sides.a, sides.b].map { side -> HTML in
        "<th scope=\"col\" class=\"number\">\(name)<span class=\"unit\">\(side)</span></th>"
      }
    }
    return """
      <section><h2>Not judged</h2><div class="scroll" tabindex="0" role="region" aria-label="Not judged"><table><thead><tr><th scope="col">Figure</th>\(HTML(heads))</tr></thead>
      <tbody>\(HTML(rows))</tbody></table></div><p class="hint">These follow the load of the machine; a gate of <code>algo-run compare</code> judges them.</p></section>
      """
  }
}
