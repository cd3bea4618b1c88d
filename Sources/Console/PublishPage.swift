// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The form that publishes the next version of an algorithm, or the first version of a new one.
public enum PublishPage {
  /// The contents of the form.
  public struct Form: Sendable {
    /// `OWNER/NAME`, for a new algorithm.
    public var name = ""
    /// Which number goes up.
    public var part = VersionNumber.Part.revision
    /// Release notes.
    public var notes = ""
    /// Whether Insights is on for this version.
    public var insights = false
    /// The words of a new command, one a line; empty for that of the version before.
    public var command = ""
    /// Its working directory.
    public var directory = ""
    /// Problems, by the name of the field.
    public var errors: [String: String] = [:]

    /// An empty form.
    public init() {}
  }

  /// - Parameter previous: the newest version; nil for a new algorithm.
  public static func page(_ form: Form, previous: PublishedVersion?, viewer: Viewer) -> [UInt8] {
    let layout: Layout
    if let previous {
      let curl = "curl \(viewer.origin)/v1/algorithms/\(previous.algorithm)/versions\(viewer.authorization)"
      layout = AlgorithmTab.publish.layout(
        previous.algorithm, viewer,
        lines: [
          .init("Publish", again(previous)),
          .init("Over HTTP", "\(curl) -d '{\"settings\": {\"insights_enabled\": true}}'"),
        ])
    } else {
      layout = Layout(
        "Publish an algorithm", .algorithms, viewer, above: "<p class=\"above\"><a href=\"/\">Algorithms</a></p>",
        lines: [
          .init("Publish", "algo-run publish OWNER/NAME --insights -- COMMAND…"),
          .init(
            "Over HTTP",
            "curl \(viewer.origin)/v1/algorithms/OWNER/NAME/versions\(viewer.authorization) -d '{\"algo_run\": {\"command\": [\"cat\"]}}'"
          ),
        ])
    }
    let action = previous.map { "/algorithms/\($0.algorithm)/publish" } ?? "/publish"
    let name: HTML =
      previous == nil
      ? Field.text(
        "name", "Algorithm", form.name, error: form.errors["name"],
        hint: "Owner and name, such as acme/credit_card_approval.") : .none
    let isChecked: HTML = form.insights ? " checked" : ""
    return layout.page(
      """
      <form class="card narrow" method="post" action="\(action)">\(HTML.once())\(name)\(numbering(form, previous))
      \(Field.area("notes", "Notes", form.notes, rows: 3, error: form.errors["notes"], hint: "Changes, for those who call it."))
      <div class="field check"><input type="checkbox" id="insights" name="insights" value="on"\(isChecked)>
      <label for="insights">Enable Insights for this version</label>
      <p class="hint">Each execution is then delivered as one payload. You can switch it at any time.</p></div>
      \(command(form, previous, viewer))<p><button class="primary">Publish</button></p></form>
      """)
  }

  /// The command that publishes a version like the one before.
  private static func again(_ previous: PublishedVersion) -> String {
    var words = ["algo-run", "publish", "\(previous.algorithm)", "--insights"]
    if let directory = previous.directory { words += ["--directory", directory] }
    if let limit = previous.timeLimit { words += ["--timeout", DurationText.format(limit)] }
    for variable in previous.environment { words += ["--env", "\(variable.name)=\(variable.value)"] }
    if previous.worker != nil { words.append("--worker") }
    return ShellText.commandLine(words + ["--"] + previous.command)
  }

  private static func numbering(_ form: Form, _ previous: PublishedVersion?) -> HTML {
    guard let previous else { return .none }
    let texts: [VersionNumber.Part: HTML] = [
      .revision: "a correction", .minor: "something new, compatible", .major: "callers must change something",
    ]
    let choices = [VersionNumber.Part.revision, .minor, .major].map { part -> HTML in
      let isChecked: HTML = part == form.part ? " checked" : ""
      return """
        <div class="choice"><input type="radio" id="part-\(part.rawValue)" name="part" value="\(part.rawValue)"\(isChecked)>
        <label for="part-\(part.rawValue)">\(part.rawValue)</label>
        <span class="muted">\(previous.version.raising(part).description), \(texts[part] ?? .none)</span></div>
        """
    }
    return
      "<fieldset><legend>Which number goes up from \(previous.version.description)?</legend>\(HTML(choices))</fieldset>"
  }

  private static func command(_ form: Form, _ previous: PublishedVersion?, _ viewer: Viewer) -> HTML {
    guard viewer.isAdmin, viewer.allowsCommands else {
      guard let previous else { return .none }
      return """
        <dl class="facts"><dt>Command</dt><dd><code>\(ShellText.commandLine(previous.command))</code></dd></dl>
        <p class="hint">The command stays that of \(previous.version.description). A new command is published on the server's host,
        or here if <code>serve</code> runs with <code>--allow-publish</code>.</p>
        """
    }
    let hint =
      previous == nil
      ? "One word a line; no shell reads it."
      : "One word a line; no shell reads it. Empty: the command of the version before."
    return """
      \(Field.area("command", "Command", form.command, rows: 4, error: form.errors["command"], hint: hint, isCode: true))
      \(Field.text("directory", "Working directory", form.directory, error: form.errors["directory"], hint: "An absolute path on the server. Empty: that of the version before, or of the server."))
      """
  }
}
