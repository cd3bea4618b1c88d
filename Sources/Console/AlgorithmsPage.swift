// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Every algorithm of the home.
public enum AlgorithmsPage {
  /// Recent executions of an algorithm.
  public struct Activity: Sendable {
    /// Executions of the last hour.
    public var executions = 0
    /// Those of them that did not succeed.
    public var failures = 0
    /// The last durations in milliseconds, oldest first.
    public var durations: [Double] = []

    /// Nothing.
    public init() {}
  }

  /// - Parameter latest: the newest version of each algorithm, with its activity.
  public static func page(_ latest: [(version: PublishedVersion, activity: Activity)], viewer: Viewer, notice: Notice?)
    -> [UInt8]
  {
    let publish: HTML =
      viewer.isAdmin && viewer.allowsCommands
      ? "<p class=\"actions\"><a class=\"button primary\" href=\"/publish\">Publish an algorithm</a></p>" : .none
    let layout = Layout(
      "Algorithms", .algorithms, viewer, beside: publish, notice: notice,
      lines: [
        .init("List", "algo-run versions"),
        .init("Over HTTP", "curl \(viewer.origin)/v1/algorithms\(viewer.authorization)"),
      ])
    guard !latest.isEmpty else {
      return layout.page(
        .empty(
          "No algorithm is published yet",
          """
          Publish any program that reads its input from stdin. Each call then runs it once, and with Insights on its \
          metrics are delivered.
          """, command: "algo-run publish acme/echo --insights -- cat"))
    }
    let rows = latest.map { row($0.version, $0.activity, viewer) }
    return layout.page(
      """
      <div class="scroll" tabindex="0" role="region" aria-label="Algorithms"><table>
      <thead><tr><th scope="col">Algorithm</th><th scope="col">Latest version</th><th scope="col">Insights</th>
      <th scope="col" class="number">Executions<span class="unit">last hour</span></th>
      <th scope="col" class="number">Failures<span class="unit">last hour</span></th>
      <th scope="col">Duration<span class="unit">last 50</span></th></tr></thead><tbody>\(HTML(rows))</tbody></table></div>
      """)
  }

  private static func row(_ version: PublishedVersion, _ activity: Activity, _ viewer: Viewer) -> HTML {
    let failures: HTML = activity.failures > 0 ? "<span class=\"bad-text\">\(activity.failures)</span>" : "0"
    let durations = activity.durations
    let sparkline: HTML =
      durations.isEmpty
      ? "<span class=\"muted\">not run yet</span>"
      : """
      \(Sparkline.draw(durations))<span class="muted">median \(HTML.duration(milliseconds: durations.sorted()[durations.count / 2]))</span>
      """
    return """
      <tr><th scope="row"><a href="/algorithms/\(version.algorithm.description)">\(version.algorithm.description)</a></th>
      <td><span class="version">\(version.version.description)</span> <span class="muted">\(HTML.moment(version.publishedAt, now: viewer.now))</span></td>
      <td>\(HTML.insights(version.insights))</td><td class="number">\(activity.executions)</td><td class="number">\(failures)</td>
      <td class="spark">\(sparkline)</td></tr>
      """
  }
}
