// SPDX-License-Identifier: Apache-2.0
internal import JSONText
internal import RunModel

/// The form of the connection, and the answer to *Connect*, which comes in pieces.
public enum ConnectPage {
  /// The contents of the form. The password goes in and never comes out.
  public struct Form: Sendable {
    /// `plaintext`, `sasl_ssl`, `event_hubs` or `file`.
    public var type = "plaintext"
    /// The topic.
    public var topic = ""
    /// Addresses of brokers.
    public var brokers = ""
    /// SASL mechanism.
    public var mechanism = "SCRAM-SHA-512"
    /// User name.
    public var username = ""
    /// Whether a password is stored.
    public var hasPassword = false
    /// In PEM form.
    public var authority = ""
    /// Its certificates, a clause each.
    public var certificates: [String] = []
    /// Path of the file.
    public var path = ""
    /// The field that is wrong, and why.
    public var error: (field: String, message: String)?

    /// An empty form.
    public init() {}
  }

  /// A stage of a test that ended.
  public struct Stage: Sendable {
    let name: String
    let verdict: String
    let detail: String
    let hint: String?
    let milliseconds: Double

    /// - Parameter verdict: `passed`, `skipped` or `failed`.
    public init(name: String, verdict: String, detail: String, hint: String?, milliseconds: Double) {
      (self.name, self.verdict, self.detail, self.hint, self.milliseconds) = (name, verdict, detail, hint, milliseconds)
    }
  }

  /// The stages of a test, in order.
  public static let stages = ["settings", "resolve", "tcp", "tls", "authentication", "metadata", "topic", "produce"]

  /// - Parameter isTested: the type is settled; else a line for each type, of which that of the chosen one is seen.
  private static func layout(
    _ form: Form, isSet: Bool, isTested: Bool, _ viewer: Viewer, notice: Notice? = nil
  ) -> Layout {
    let types = isTested ? [form.type] : ["plaintext", "sasl_ssl", "event_hubs", "file"]
    let curl = "curl \"\(viewer.origin)/v1/admin/insights-connection/test?save=true\"\(viewer.authorization) -d"
    var lines = types.flatMap { type in
      let choice = isTested ? nil : "only-\(type)"
      return [
        Layout.Line("Set", command(type, form), choice: choice),
        Layout.Line("Test and set", "\(curl) \(ShellText.quoted(body(type, form)))", choice: choice),
      ]
    }
    lines.append(.init("Test", "algo-run connection test"))
    return Layout(
      isSet ? "Edit Connection" : "Connect to Kafka", .insights, viewer,
      above: "<p class=\"above\"><a href=\"/insights\">Insights</a></p>", notice: notice, lines: lines)
  }

  private static func word(_ text: String, or placeholder: String) -> String { text.isEmpty ? placeholder : text }

  /// The body of the request that tests and sets such a connection.
  private static func body(_ type: String, _ form: Form) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.member("connection_type", type)
    if type == "file" {
      if !form.path.isEmpty { json.member("path", form.path) }
    } else {
      json.member("broker_url", word(form.brokers, or: "HOST:PORT"))
      json.member("topic", word(form.topic, or: "TOPIC"))
    }
    if type == "sasl_ssl" {
      json.member("sasl_mechanism", form.mechanism)
      json.member("broker_username", word(form.username, or: "USER"))
    }
    if type == "sasl_ssl" || type == "event_hubs" {
      json.member("broker_password", "PASSWORD")
      if !form.authority.isEmpty { json.member("ca_certificate", "PEM") }
    }
    json.endObject()
    return String(decoding: json.bytes, as: UTF8.self)
  }

  /// The command that sets such a connection. It asks for the password.
  private static func command(_ type: String, _ form: Form) -> String {
    guard type != "file" else {
      return ShellText.commandLine(
        ["algo-run", "connection", "set", "--type", "file"] + (form.path.isEmpty ? [] : ["--path", form.path]))
    }
    var words = ["algo-run", "connection", "set"]
    words += type == "event_hubs" ? ["--event-hubs"] : ["--type", type]
    words += ["--brokers", word(form.brokers, or: "HOST:PORT"), "--topic", word(form.topic, or: "TOPIC")]
    if type == "sasl_ssl" {
      words += ["--mechanism", form.mechanism, "--username", word(form.username, or: "USER")]
    }
    if type == "sasl_ssl" || type == "event_hubs" {
      if !form.authority.isEmpty { words += ["--ca", "FILE"] }
    }
    return ShellText.commandLine(words)
  }

  /// The form.
  public static func page(_ form: Form, isSet: Bool, viewer: Viewer) -> [UInt8] {
    func error(_ field: String) -> String? { form.error?.field == field ? form.error?.message : nil }
    let known = [
      "topic", "broker_url", "sasl_mechanism", "broker_username", "broker_password", "ca_certificate", "path",
    ]
    let other = form.error.flatMap { known.contains($0.field) ? nil : $0.message }
    let types: [(String, HTML, HTML)] = [
      ("plaintext", "Unencrypted (plaintext)", "for brokers in a network that you trust"),
      ("sasl_ssl", "SASL/SCRAM over TLS", "encrypted, with user name and password"),
      ("event_hubs", "Azure Event Hubs", "the connection string is the password"),
      ("file", "File", "no broker: one line of JSON for each payload"),
    ]
    let choices = types.map { type, name, text -> HTML in
      let isChecked: HTML = type == form.type ? " checked" : ""
      return """
        <div class="choice"><input type="radio" id="type-\(type)" name="type" value="\(type)"\(isChecked)>
        <label for="type-\(type)">\(name)</label><span class="muted">\(text)</span></div>
        """
    }
    let mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"].map { ($0, $0) }
    return layout(form, isSet: isSet, isTested: false, viewer, notice: other.map { .failed("\($0)") }).page(
      """
      <form class="card narrow" method="post" action="/insights/connect">\(HTML.once())
      <fieldset><legend>Connection type</legend>\(HTML(choices))</fieldset>
      <div class="for-kafka">\(Field.text("topic", "Topic name", form.topic, error: error("topic")))
      \(Field.text("brokers", "Kafka broker URL(s)", form.brokers, error: error("broker_url"), hint: "HOST:PORT, several with commas between them."))</div>
      <div class="for-scram">\(Field.choice("mechanism", "SASL mechanism", mechanisms, chosen: form.mechanism))
      \(Field.text("username", "Kafka broker username", form.username, error: error("broker_username")))</div>
      <div class="for-login">\(Field.text("password", "Kafka broker password", "", type: "password", error: error("broker_password"), hint: "Stored on the server, readable by its user alone, and never shown again. A stored password is kept only if brokers and user name stay as they are.", placeholder: form.hasPassword ? "unchanged" : "", autocomplete: "new-password"))
      \(Field.area("ca", "CA certificate", form.authority, rows: 4, error: error("ca_certificate"), hint: "In PEM form, if the authority of the brokers is your own. Empty: the roots of the server's system.", isCode: true))\(certificates(form))</div>
      <div class="for-file">\(Field.text("path", "Path", form.path, error: error("path"), hint: "From / on. Empty: insights.ndjson in the home."))</div>
      <p class="hint">Connect tries every step up to an acknowledged record, and saves if all pass.</p>
      <p class="actions"><button class="primary">Connect</button> <a class="button" href="/insights">Cancel</a></p></form>
      """)
  }

  private static func certificates(_ form: Form) -> HTML {
    let items = form.certificates.map { certificate -> HTML in "<li>\(certificate)</li>" }
    return items.isEmpty ? .none : "<ul class=\"certificates\" aria-label=\"Certificates\">\(HTML(items))</ul>"
  }

  /// The page of a test up to its first stage.
  public static func begin(_ form: Form, target: String, isSet: Bool, viewer: Viewer, first: String) -> [UInt8] {
    let page: HTML = """
      \(layout(form, isSet: isSet, isTested: true, viewer).begin)<p>Testing the connection to <code>\(target)</code>. Nothing is saved yet.</p>
      <ol class="stages" aria-label="Stages of the test">\(open(first))
      """
    // Browsers show nothing of a page before its first kilobyte.
    return page.bytes + [UInt8](repeating: UInt8(ascii: " "), count: 1024)
  }

  private static func open(_ name: String) -> HTML { "<li><strong>\(name)</strong>" }

  /// A stage that ended, and the name of the next one, which runs in the meantime.
  public static func ended(_ stage: Stage) -> [UInt8] {
    let kind: HTML = stage.verdict == "passed" ? "good" : stage.verdict == "failed" ? "bad" : ""
    let hint: HTML = stage.hint.map { "<span class=\"hint\">Hint: \($0)</span>" } ?? .none
    let piece: HTML = """
      <span class="badge \(kind)">\(stage.verdict)</span><span class="muted">\(HTML.duration(milliseconds: stage.milliseconds))</span>
      <span class="cause">\(stage.detail)</span>\(hint)</li>
      """
    guard stage.verdict != "failed", let place = stages.firstIndex(of: stage.name), place + 1 < stages.count else {
      return piece.bytes
    }
    return piece.bytes + open(stages[place + 1]).bytes
  }

  /// The end of the page of a test.
  public static func end(_ form: Form, _ outcome: HTML, viewer: Viewer) -> [UInt8] {
    let page: HTML = "</ol>\(outcome)\(layout(form, isSet: false, isTested: true, viewer).end)"
    return page.bytes
  }

  /// All passed, and the connection is saved.
  public static var saved: HTML {
    """
    <p class="notice good" role="status"><strong>Connected.</strong> All stages passed, and the connection is saved.</p>
    <p class="actions"><a class="button" href="/insights/connect">Edit Connection</a> <a class="button" href="/insights">Insights</a></p>
    """
  }

  /// A stage failed: what can be done with the form, which the server keeps under `id`.
  public static func failed(_ message: HTML, id: String) -> HTML {
    """
    <p class="notice bad" role="alert"><strong>Not connected.</strong> \(message)</p>
    <div class="actions"><form method="get" action="/insights/connect"><input type="hidden" name="tested" value="\(id)"><button class="primary">Back</button></form>
    <form method="post" action="/insights/save">\(HTML.once())<input type="hidden" name="tested" value="\(id)"><button>Save anyway</button></form></div>
    <p class="hint">Saved anyway, payloads wait in the outbox until the broker takes them, or until their window ends.</p>
    """
  }
}
