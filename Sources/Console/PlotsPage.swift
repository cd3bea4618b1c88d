// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Plots of durations and metrics by version.
public enum PlotsPage {
  /// Executions of each version that are drawn.
  public static let executions = 1000
  /// Versions that are drawn, the newest.
  public static let versions = 6

  /// - Parameter rows: newest version first, each with its executions, newest first.
  public static func page(
    _ algorithm: AlgorithmName, rows: [(version: VersionNumber, rows: [ExecutionRow])], viewer: Viewer
  ) -> [UInt8] {
    let layout = AlgorithmTab.metrics.layout(
      algorithm, viewer,
      lines: [
        .init("Statistics", "algo-run runs stats \(algorithm)"),
        .init("Executions", "algo-run runs \(algorithm) --limit 1000 --json"),
        .init("Over HTTP", viewer.executions("algorithm=\(algorithm)&limit=1000")),
      ])
    guard !rows.isEmpty else {
      return layout.page(
        .empty(
          "Nothing has run yet", "Plots of durations and metrics appear with the first execution.",
          command: "echo '\"input\"' | algo-run exec \(algorithm)"))
    }
    var duration: [Plot.Series] = []
    var names: [String] = []
    var metrics: [String: [Int: Plot.Series]] = [:]
    for (style, item) in rows.enumerated() {
      var series = Plot.Series("\(item.version)", style: style)
      for row in item.rows.reversed() {
        series.points.append(Plot.Point(row.startedAt, row.milliseconds, HTML.decimal(row.milliseconds, 3)))
        for metric in row.metrics {
          guard let value = Double(metric.number), value.isFinite else { continue }
          if metrics[metric.name] == nil { names.append(metric.name) }
          metrics[metric.name, default: [:]][style, default: Plot.Series("\(item.version)", style: style)].points
            .append(Plot.Point(row.startedAt, value, metric.number))
        }
      }
      duration.append(series)
    }
    var content = legend(duration) + plot("Duration", "ms", duration)
    for name in names {
      content += plot(name, "", (metrics[name] ?? [:]).sorted { $0.key < $1.key }.map(\.value))
    }
    if names.isEmpty {
      content += .empty(
        "No metrics were reported", "A line of JSON on descriptor 3 is a report.",
        command: "echo '{\"score\": 0.93}' >&3")
    }
    return layout.page(content)
  }

  private static func legend(_ series: [Plot.Series]) -> HTML {
    let items = series.map { one -> HTML in
      "<li><svg width=\"12\" height=\"12\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">\(Plot.mark(one.style, 6, 6, one.version))</svg>\(one.version) <span class=\"muted\">\(one.points.count) executions</span></li>"
    }
    return "<ul class=\"legend\" aria-label=\"Versions\">\(HTML(items))</ul>"
  }

  private static func plot(_ name: String, _ unit: String, _ series: [Plot.Series]) -> HTML {
    let rows = series.flatMap { one in
      one.points.reversed().map { point -> HTML in
        "<tr><td>\(one.version)</td><td>\(String(point.moment.description.prefix(19)))</td><td class=\"number\">\(point.text)</td></tr>"
      }
    }
    let shown: HTML = unit.isEmpty ? .none : " <span class=\"muted\">(\(unit))</span>"
    return """
      <section class="card plot-card"><h2>\(name)\(shown)</h2>\(Plot.draw(name, unit: unit, series))
      <details><summary>Values</summary><div class="shown" tabindex="0" role="region" aria-label="Values of \(name)"><table class="quiet"><thead><tr><th scope="col">Version</th><th scope="col">Start (UTC)</th>
      <th scope="col" class="number">Value</th></tr></thead><tbody>\(HTML(rows))</tbody></table></div></details></section>
      """
  }
}
