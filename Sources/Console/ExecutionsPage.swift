// SPDX-License-Identifier: Apache-2.0
internal import JSONText
public import RunModel

/// The executions of the home, newest first, and those that run on this server now.
public enum ExecutionsPage {
  /// Which executions are shown.
  public struct Filter: Sendable, Equatable {
    /// `OWNER/NAME`, or empty for all.
    public var algorithm = ""
    /// An outcome, or empty for all.
    public var outcome = ""
    /// Those that started before this; nil for the newest.
    public var until: Timestamp?

    /// All.
    public init() {}

    /// Whether it keeps an execution.
    public func keeps(_ row: ExecutionRow) -> Bool {
      (algorithm.isEmpty || row.algorithm == algorithm) && (outcome.isEmpty || row.outcome == outcome)
    }

    /// As the query of the API that lists executions.
    var apiQuery: String {
      (algorithm.isEmpty ? "" : "algorithm=\(algorithm)&") + (outcome.isEmpty ? "" : "outcome=\(outcome)&")
        + "limit=\(rows)"
    }

    /// As the query of a URL.
    public var query: String { "algorithm=\(URLText.segment(algorithm))&outcome=\(outcome)" }
  }

  /// One that has not ended.
  public struct Live: Sendable, Equatable {
    /// Its request ID.
    public let requestID: String
    /// Its version.
    public let reference: String
    let isRunning: Bool
    let since: Timestamp

    /// Whether it is the same execution in the same state.
    public func isSame(as other: Live) -> Bool { requestID == other.requestID && isRunning == other.isRunning }

    /// A queued or running execution.
    public init(requestID: String, reference: String, isRunning: Bool, since: Timestamp) {
      (self.requestID, self.reference, self.isRunning, self.since) = (requestID, reference, isRunning, since)
    }
  }

  /// How many executions a page shows.
  public static let rows = 100

  /// - Parameters:
  ///   - ended: newest first, with their numbers in the history.
  ///   - last: the number of the last execution of the history.
  ///   - algorithms: what can be filtered by.
  public static func page(
    _ ended: [(number: Int64, row: ExecutionRow)], live: [Live], last: Int64, filter: Filter, algorithms: [String],
    viewer: Viewer, notice: Notice?
  ) -> [UInt8] {
    let reference = filter.algorithm.isEmpty ? "" : " \(filter.algorithm)"
    let outcome = filter.outcome.isEmpty ? "" : " --outcome \(filter.outcome)"
    let isNewest = filter.until == nil
    let control: HTML =
      isNewest
      ? """
      <p class="actions"><span class="live" role="status"><span id="live-state">Not live: reload for news</span></span>
      <button id="pause" type="button" class="small" aria-pressed="false" hidden>Pause</button></p>
      """ : "<p class=\"actions\"><a href=\"/executions?\(filter.query)\">Newest</a></p>"
    let layout = Layout(
      "Executions", .executions, viewer, beside: isNewest ? .none : control, notice: notice,
      lines: [
        .init("List", "algo-run runs\(reference)\(outcome)"), .init("", viewer.executions(filter.apiQuery)),
        .init("One of them", "algo-run runs show REQUEST_ID"),
        .init("", "curl \(viewer.origin)/v1/executions/REQUEST_ID\(viewer.authorization)"),
      ])
    let live = live.filter { filter.algorithm.isEmpty || $0.reference.hasPrefix(filter.algorithm + "/") }
    let rows = ended.map { Self.row($0.row, number: $0.number, viewer.now) }
    let older: HTML =
      ended.count < Self.rows
      ? .none
      : "<p><a href=\"/executions?\(filter.query)&amp;until=\(URLText.segment(ended.last?.row.startedAt.description ?? ""))\">Older executions</a></p>"
    let hidden: HTML = " hidden"
    let content: HTML = """
      \(filterForm(filter, algorithms, beside: isNewest ? control : .none))
      <section id="running"\(live.isEmpty || !isNewest ? hidden : .none)><h2>On this server now</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="On this server now"><table>
      <thead><tr><th scope="col">State</th><th scope="col">Version</th><th scope="col">Execution</th><th scope="col">Since</th></tr></thead>
      <tbody id="now">\(liveRows(live, viewer.now))</tbody></table></div></section>
      <section id="ended-box"\(ended.isEmpty ? hidden : .none)><h2>Ended</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Ended executions"><table><thead><tr><th scope="col">Outcome</th><th scope="col">Version</th>
      <th scope="col">Execution</th><th scope="col">Started</th><th scope="col" class="number">Duration</th><th scope="col" class="number">Metrics</th>
      <th scope="col">Payload</th></tr></thead><tbody id="ended">\(HTML(rows))</tbody></table></div>\(older)</section>
      <div id="none-yet"\(ended.isEmpty ? .none : hidden)>\(none(filter))</div>
      """
    guard isNewest else { return layout.page(content) }
    return layout.page("<div data-live data-after=\"\(Int(last))\" data-filter=\"\(filter.query)\">\(content)</div>")
  }

  private static func filterForm(_ filter: Filter, _ algorithms: [String], beside: HTML) -> HTML {
    let outcomes = Outcome.allCases.map { (value: $0.rawValue, name: $0.rawValue.replacingAll("_", with: " ")) }
    return """
      <div class="head"><form class="filter" method="get" action="/executions">
      \(Field.choice("algorithm", "Algorithm", [("", "All algorithms")] + algorithms.map { ($0, $0) }, chosen: filter.algorithm))
      \(Field.choice("outcome", "Outcome", [("", "All outcomes")] + outcomes, chosen: filter.outcome))
      <button>Filter</button></form>\(beside)</div>
      """
  }

  private static func none(_ filter: Filter) -> HTML {
    guard filter == Filter() else {
      return .empty(
        "No execution matches the filter",
        "Choose another outcome or algorithm, or <a href=\"/executions\">show all executions</a>.")
    }
    return .empty(
      "Nothing has run yet",
      """
      Each execution of this home appears here as it ends, whether it was called over HTTP or run by <code>exec</code> or \
      <code>batch</code>. It stays on this machine.
      """, command: "echo '\"hello\"' | algo-run exec OWNER/NAME")
  }

  /// The rows of executions that have not ended.
  static func liveRows(_ live: [Live], _ now: Timestamp) -> HTML {
    HTML(
      live.map { execution in
        """
        <tr><td>\(HTML.outcome(execution.isRunning ? "running" : "queued"))</td><th scope="row">\(version(execution.reference))</th>
        <td>\(HTML.identifier(execution.requestID))</td><td class="nowrap">\(HTML.moment(execution.since, now: now))</td></tr>
        """
      })
  }

  /// The row of one that ended.
  public static func row(_ row: ExecutionRow, number: Int64, _ now: Timestamp) -> HTML {
    let rejected = row.rejections.count
    let metrics: HTML =
      rejected > 0
      ? "\(row.metrics.count) <span class=\"bad-text\">+ \(rejected) rejected</span>" : "\(row.metrics.count)"
    return """
      <tr id="run-\(Int(number))"><td>\(HTML.outcome(row.outcome))</td><th scope="row">\(version(row.reference))</th>
      <td>\(HTML.identifier(row.requestID))</td><td class="nowrap">\(HTML.moment(row.startedAt, now: now))</td>
      <td class="number">\(HTML.duration(milliseconds: row.milliseconds))</td><td class="number">\(metrics)</td><td>\(HTML.delivery(row))</td></tr>
      """
  }

  /// A reference with a link to its algorithm.
  static func version(_ reference: String) -> HTML {
    let parts = reference.split(separator: "/").map(String.init)
    guard parts.count == 3 else { return "\(reference)" }
    return
      "<a href=\"/algorithms/\(parts[0])/\(parts[1])\">\(parts[0])/\(parts[1])</a> <span class=\"version\">\(parts[2])</span>"
  }

  /// An execution as an event of the live list.
  public static func event(_ row: ExecutionRow, number: Int64, now: Timestamp) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("request_id", row.requestID)
    json.member("algorithm", row.reference)
    json.member("outcome", row.outcome)
    json.member("row_id", "run-\(number)")
    json.member("row", String(decoding: Self.row(row, number: number, now).bytes, as: UTF8.self))
    json.endObject()
    return json.bytes
  }

  /// Those that have not ended as an event of the live list.
  public static func event(_ live: [Live], now: Timestamp) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.name("executions")
    json.beginArray()
    for execution in live {
      json.beginObject()
      json.member("request_id", execution.requestID)
      json.member("algorithm", execution.reference)
      json.member("state", execution.isRunning ? "running" : "queued")
      json.endObject()
    }
    json.endArray()
    json.member("rows", String(decoding: liveRows(live, now).bytes, as: UTF8.self))
    json.endObject()
    return json.bytes
  }
}
