// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The connection, and beside it the outbox.
public enum InsightsPage {
  /// A payload that is not delivered.
  public struct Record: Sendable {
    let id: Int64
    let requestID: String
    let state: String
    let windowEnd: Timestamp
    let attempts: Int
    let cause: String?

    /// A record of the outbox.
    public init(id: Int64, requestID: String, state: String, windowEnd: Timestamp, attempts: Int, cause: String?) {
      (self.id, self.requestID, self.state) = (id, requestID, state)
      (self.windowEnd, self.attempts, self.cause) = (windowEnd, attempts, cause)
    }
  }

  /// The outbox.
  public struct Outbox: Sendable {
    /// How many are pending, expired, rejected, corrupt, in fallback files.
    public var counts: [(name: String, count: Int)] = []
    /// The first of them.
    public var records: [Record] = []
    /// Since when the broker is known to be down, and why.
    public var outage: (since: Timestamp, cause: String)?

    /// An empty one.
    public init() {}
  }

  /// - Parameters:
  ///   - facts: names and values of the connection, without secrets.
  ///   - isSet: false for the file that counts if no connection is set.
  public static func page(
    facts: [(name: String, value: String)], isSet: Bool, outbox: Outbox, viewer: Viewer, notice: Notice?
  ) -> [UInt8] {
    let curl = "curl \(viewer.origin)/v1/admin"
    let name: HTML = isSet ? "Edit Connection" : "Connect to Kafka"
    let layout = Layout(
      "Insights", .insights, viewer,
      beside: "<p class=\"actions\"><a class=\"button primary\" href=\"/insights/connect\">\(name)</a></p>",
      notice: notice,
      lines: [
        .init("Connection", "algo-run connection show"),
        .init("", "\(curl)/insights-connection\(viewer.authorization)"),
        .init("Outbox", "algo-run outbox list"), .init("", "\(curl)/outbox\(viewer.authorization)"),
      ])
    let list = facts.map { fact -> HTML in "<dt>\(fact.name)</dt><dd>\(fact.value)</dd>" }
    let intro: HTML =
      isSet
      ? .none
      : "<p>No connection is set. Payloads are appended to a file, so everything works before there is a broker.</p>"
    let remove: HTML =
      isSet
      ? "<form method=\"post\" action=\"/insights/remove\">\(HTML.once())<p><button class=\"danger small\">Remove connection</button></p></form>"
      : .none
    return layout.page(
      """
      <div class="grid"><section class="card"><h2>Connection</h2>\(intro)<dl class="facts">\(HTML(list))</dl>\(remove)</section>
      <section class="card"><h2>Outbox</h2>\(summary(outbox, viewer))</section></div>\(table(outbox, viewer))
      """)
  }

  private static func summary(_ outbox: Outbox, _ viewer: Viewer) -> HTML {
    let figures = outbox.counts.map { count -> HTML in "<div><dt>\(count.name)</dt><dd>\(count.count)</dd></div>" }
    let outage: HTML =
      outbox.outage.map {
        "<p class=\"error\">The broker is down since \(HTML.moment($0.since, now: viewer.now)): \($0.cause)</p>"
      } ?? .none
    let total = outbox.counts.reduce(0) { $0 + $1.count }
    let actions: HTML =
      total == 0
      ? "<p class=\"muted\">Nothing waits: each payload was taken by its destination.</p>"
      : """
      <div class="actions"><form method="post" action="/insights/outbox/retry">\(HTML.once())<p><button>Retry expired and rejected</button></p></form>
      <form method="post" action="/insights/outbox/purge">\(HTML.once())<p><button class="danger">Purge expired, rejected and corrupt</button></p></form></div>
      """
    return "<dl class=\"figures\">\(HTML(figures))</dl>\(outage)\(actions)"
  }

  private static func table(_ outbox: Outbox, _ viewer: Viewer) -> HTML {
    guard !outbox.records.isEmpty else { return .none }
    let rows = outbox.records.map { record -> HTML in
      let kind: HTML = record.state == "pending" ? "note" : "bad"
      return """
        <tr><td><span class="badge \(kind)">\(record.state)</span></td><th scope="row">\(HTML.identifier(record.requestID))</th>
        <td class="nowrap">\(HTML.moment(record.windowEnd, now: viewer.now))</td><td class="number">\(record.attempts)</td><td>\(record.cause ?? "")</td></tr>
        """
    }
    return """
      <section><h2>Waiting payloads</h2><div class="scroll" tabindex="0" role="region" aria-label="Waiting payloads"><table><thead><tr><th scope="col">State</th><th scope="col">Execution</th>
      <th scope="col">Window ends</th><th scope="col" class="number">Attempts</th><th scope="col">Cause</th></tr></thead><tbody>\(HTML(rows))</tbody></table></div></section>
      """
  }
}
