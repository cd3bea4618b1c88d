// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The versions of an algorithm, newest first.
public enum VersionsPage {
  /// - Parameter versions: newest first, not empty; with each the executions of the last hour.
  public static func page(
    _ versions: [(version: PublishedVersion, activity: AlgorithmsPage.Activity)], of algorithm: AlgorithmName,
    viewer: Viewer, notice: Notice?
  ) -> [UInt8] {
    let newest = versions.first?.version
    let switchedTo = newest?.insights == true ? "off" : "on"
    let path = "\(viewer.origin)/v1/algorithms/\(algorithm)/versions"
    let layout = AlgorithmTab.versions.layout(
      algorithm, viewer, notice: notice,
      lines: [
        .init("Call it", call(algorithm, nil, viewer)),
        .init("List versions", "algo-run versions \(algorithm)"),
        .init("", "curl \(path)\(viewer.authorization)"),
        .init("Switch Insights", "algo-run insights \(switchedTo) \(newest?.reference ?? "")"),
        .init(
          "",
          "curl -X PATCH \(path)/\(newest?.version.description ?? "")\(viewer.authorization) -d '{\"settings\":{\"insights_enabled\":\(switchedTo == "on")}}'"
        ),
      ])
    let rows = versions.enumerated().map { row($1.version, $1.activity, isLatest: $0 == 0, viewer) }
    return layout.page(
      """
      <div class="scroll" tabindex="0" role="region" aria-label="Versions"><table>
      <thead><tr><th scope="col">Version</th><th scope="col">Insights</th><th scope="col">Command</th>
      <th scope="col" class="number">Executions<span class="unit">last hour</span></th><th scope="col" class="number">Failures<span class="unit">last hour</span></th>
      <th scope="col">Published</th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table></div>
      """)
  }

  /// The line that calls an algorithm.
  static func call(_ algorithm: AlgorithmName, _ version: VersionNumber?, _ viewer: Viewer) -> String {
    "curl \(viewer.origin)/v1/algo/\(algorithm)\(version.map { "/\($0)" } ?? "")\(viewer.authorization) -d '\"input\"'"
  }

  private static func row(
    _ version: PublishedVersion, _ activity: AlgorithmsPage.Activity, isLatest: Bool, _ viewer: Viewer
  ) -> HTML {
    let path = "/algorithms/\(version.algorithm)/versions/\(version.version)/insights"
    let flag: HTML =
      viewer.mayPublish
      ? """
      <form method="post" action="\(path)">\(HTML.once())<input type="hidden" name="insights" value="\(version.insights ? "off" : "on")">
      <button class="switch" role="switch" aria-checked="\(version.insights ? "true" : "false")" \
      title="Switch Insights of \(version.version.description) \(version.insights ? "off" : "on")">\(version.insights ? "Insights on" : "Insights off")</button></form>
      """ : HTML.insights(version.insights)
    let latest: HTML = isLatest ? " <span class=\"badge accent\">latest</span>" : .none
    let notes: HTML = version.notes.isEmpty ? .none : "<p class=\"notes\">\(version.notes)</p>"
    let failures: HTML = activity.failures > 0 ? "<span class=\"bad-text\">\(activity.failures)</span>" : "0"
    var facts: [String] = []
    if let directory = version.directory { facts.append("in \(directory)") }
    if let limit = version.timeLimit { facts.append("limit \(DurationText.format(limit))") }
    if version.worker != nil { facts.append("worker") }
    let more: HTML = facts.isEmpty ? .none : "<p class=\"muted\">\(facts.joined(separator: ", "))</p>"
    return """
      <tr><th scope="row"><span class="version">\(version.version.description)</span>\(latest)\(notes)</th><td>\(flag)</td>
      <td class="command"><code class="clip" title="\(ShellText.commandLine(version.command))">\(ShellText.commandLine(version.command))</code>\(more)
      <details><summary>Call this version</summary><p class="copy"><code>\(call(version.algorithm, version.version, viewer))</code></p></details></td>
      <td class="number">\(activity.executions)</td><td class="number">\(failures)</td>
      <td class="nowrap">\(HTML.moment(version.publishedAt, now: viewer.now))</td></tr>
      """
  }
}
