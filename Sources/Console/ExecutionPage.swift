// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// One execution in full.
public enum ExecutionPage {
  /// - Parameters:
  ///   - rows: those of the request ID, newest first; the others are earlier uses of the same ID.
  ///   - result: its result, if that is still known.
  public static func page(_ rows: [ExecutionRow], result: String?, viewer: Viewer) -> [UInt8] {
    guard let row = rows.first else { return [] }
    let more: HTML =
      rows.count < 2
      ? .none : "<p class=\"muted\">This request ID was used \(rows.count) times; this is the last execution.</p>"
    return layout(row.requestID, viewer).page("\(more)\(content(row, result: result, payload: nil, viewer))")
  }

  /// One that has not ended.
  public static func page(_ live: ExecutionsPage.Live, viewer: Viewer) -> [UInt8] {
    layout(live.requestID, viewer).page(
      """
      <div class="card"><dl class="facts"><dt>State</dt><dd>\(HTML.outcome(live.isRunning ? "running" : "queued"))</dd>
      <dt>Version</dt><dd>\(ExecutionsPage.version(live.reference))</dd><dt>Since</dt><dd>\(HTML.moment(live.since, now: viewer.now))</dd></dl>
      <p><a class="button" href="/executions/\(URLText.segment(live.requestID))">Look again</a></p></div>
      """)
  }

  private static func layout(_ id: String, _ viewer: Viewer) -> Layout {
    Layout(
      "Execution", .executions, viewer,
      above: "<p class=\"above\"><a href=\"/executions\">Executions</a></p>",
      lines: [
        .init("Show", "algo-run runs show \(ShellText.quoted(id))"),
        .init("Over HTTP", "curl \(viewer.origin)/v1/executions/\(URLText.segment(id))\(viewer.authorization)"),
      ])
  }

  /// Figures, metrics, result and payload.
  static func content(_ row: ExecutionRow, result: String?, payload: String?, _ viewer: Viewer) -> HTML {
    let shown: HTML = result.map { output("Result", $0) } ?? .none
    let sent: HTML = payload.map { output("Payload, exactly as it is delivered", $0) } ?? .none
    return """
      <section class="card"><dl class="figures"><div><dt>Outcome</dt><dd>\(HTML.outcome(row.outcome))</dd></div>
      <div><dt>Duration</dt><dd>\(HTML.duration(milliseconds: row.milliseconds))</dd></div>\(cpu(row))\(memory(row))
      <div><dt>Payload</dt><dd>\(HTML.delivery(row))</dd></div></dl></section>
      <div class="grid"><section class="card"><h2>Metrics</h2>\(metrics(row))</section>
      <section class="card"><h2>Facts</h2>\(facts(row, viewer))</section></div>\(shown)\(sent)
      """
  }

  private static func output(_ title: HTML, _ text: String) -> HTML {
    """
    <section class="card"><h2>\(title)</h2><div class="shown" tabindex="0" role="region" aria-label="\(title)"><pre>\(text)</pre></div></section>
    """
  }

  private static func cpu(_ row: ExecutionRow) -> HTML {
    guard let user = row.number("cpu_user_milliseconds"), let system = row.number("cpu_system_milliseconds") else {
      return .none
    }
    return "<div><dt>CPU</dt><dd>\(HTML.duration(milliseconds: user + system))</dd></div>"
  }

  private static func memory(_ row: ExecutionRow) -> HTML {
    guard let bytes = row.number("max_rss_bytes") else { return .none }
    return "<div><dt>Peak memory</dt><dd>\(HTML.size(Int(bytes)))</dd></div>"
  }

  private static func metrics(_ row: ExecutionRow) -> HTML {
    let accepted = row.metrics.map { metric -> HTML in
      "<tr><th scope=\"row\"><code>\(metric.name)</code></th><td class=\"number\">\(metric.number)</td></tr>"
    }
    let rejected = row.rejections.map { rejection -> HTML in
      """
      <tr><th scope="row"><code>\(rejection.subject)</code></th><td><span class="badge bad">\(rejection.reason)</span>
      <span class="muted">\(rejection.detail)</span></td></tr>
      """
    }
    guard !accepted.isEmpty || !rejected.isEmpty else {
      return """
        <p class="muted">It reported none. A line of JSON on descriptor 3 is a report:</p>
        <p class="copy"><code>echo '{"score": 0.93}' &gt;&amp;3</code></p>
        """
    }
    let good: HTML =
      accepted.isEmpty
      ? "<p class=\"muted\">None was accepted.</p>"
      : "<table class=\"quiet\"><thead><tr><th scope=\"col\">Accepted</th><th scope=\"col\" class=\"number\">Value</th></tr></thead><tbody>\(HTML(accepted))</tbody></table>"
    let bad: HTML =
      rejected.isEmpty
      ? .none
      : "<table class=\"quiet\"><thead><tr><th scope=\"col\">Rejected</th><th scope=\"col\">Reason</th></tr></thead><tbody>\(HTML(rejected))</tbody></table>"
    return "\(good)\(bad)"
  }

  private static func facts(_ row: ExecutionRow, _ viewer: Viewer) -> HTML {
    var list: HTML = """
      <dt>Version</dt><dd>\(ExecutionsPage.version(row.reference))</dd>
      <dt>Request ID</dt><dd>\(HTML.identifier(row.requestID))</dd>
      <dt>Started</dt><dd>\(HTML.moment(row.startedAt, now: viewer.now)) <span class="muted">\(row.startedAt.description)</span></dd>
      """
    func add(_ name: HTML, _ value: String?) { if let value { list += "<dt>\(name)</dt><dd>\(value)</dd>" } }
    add("Exit code", row.number("exit_code").map { "\(Int($0))" })
    add("Signal", row.number("signal").map { "\(Int($0))" })
    add("Cause", row.members.string("cause"))
    let error = row.members["error"].flatMap { JSONMembers($0) }
    add("Error", error.map { "\($0.string("type") ?? ""): \($0.string("message") ?? "")" })
    add("Attempts", row.number("attempts").map { "\(Int($0))" })
    let delivery = row.members["delivery"].flatMap { JSONMembers($0) }?.string("detail")
    list += "<dt>Payload</dt><dd>\(HTML.delivery(row)) <span class=\"muted\">\(delivery ?? "")</span></dd>"
    if let hash = row.members.string("input_sha256") {
      list += "<dt>Input SHA-256</dt><dd>\(HTML.identifier(hash, link: false))</dd>"
    }
    return "<dl class=\"facts\">\(list)</dl>"
  }
}
