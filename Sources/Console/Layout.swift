// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The frame of every page: title, navigation, messages, and the commands that do the same.
struct Layout: Sendable {
  /// Which link of the navigation is the current one.
  enum Section: String, CaseIterable {
    case algorithms = "Algorithms"
    case executions = "Executions"
    case insights = "Insights"
    case keys = "Keys"

    var path: String { self == .algorithms ? "/" : "/\(rawValue.lowercased())" }
    var needsAdmin: Bool { self == .insights || self == .keys }
  }

  /// A line to copy, with the reason to use it.
  struct Line {
    let label: String
    let text: String
    /// A class of which the style sheet shows one line at a time; nil for a line that is always there.
    let choice: String?
    init(_ label: String, _ text: String, choice: String? = nil) {
      (self.label, self.text, self.choice) = (label, text, choice)
    }
  }

  private let viewer: Viewer?
  private let title: String
  private let section: Section?
  private let lines: [Line]
  private let top: HTML

  /// - Parameters:
  ///   - title: the only `h1` of the page.
  ///   - above: text before the title: where the page is.
  ///   - beside: actions beside the title.
  ///   - tabs: links below the title.
  ///   - notice: the result of the last action; announced by screen readers.
  ///   - lines: what does the same from a terminal.
  init(
    _ title: String, _ section: Section?, _ viewer: Viewer?, above: HTML = .none, beside: HTML = .none,
    tabs: HTML = .none, notice: Notice? = nil, lines: [Line]
  ) {
    (self.title, self.section, self.viewer, self.lines) = (title, section, viewer, lines)
    top = """
      \(above)<div class="head"><h1>\(title)</h1>\(beside)</div>\(tabs)\(notice?.html ?? .none)
      """
  }

  /// The whole page.
  func page(_ content: HTML) -> [UInt8] { begin.bytes + content.bytes + end.bytes }

  /// Everything before the content.
  var begin: HTML {
    let name = title == "algo-run" ? title : "\(title) · algo-run"
    // Without a referrer a browser sends `Origin: null` with a form, which is refused as foreign. The header has no
    // referrer for pages that do not come this far.
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(name)</title>
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="referrer" content="same-origin"><meta name="color-scheme" content="light dark">
      <link rel="icon" href="\(Asset.icon.path)" type="image/svg+xml">
      <link rel="stylesheet" href="\(Asset.stylesheet.path)">
      <script src="\(Asset.script.path)" defer></script></head><body>
      <a class="skip" href="#main">Skip to content</a>
      <header class="bar"><div class="wide"><a class="brand" href="/">\(Self.mark)algo-run</a>\(navigation)\(account)</div></header>
      <main id="main" class="wide" tabindex="-1">\(top)
      """
  }

  /// Everything after the content.
  var end: HTML { "\(commands)</main></body></html>\n" }

  private static let mark: HTML = """
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="M2 14 L7 6 L11 12 L14 8 L18 14" /></svg>
    """

  private var navigation: HTML {
    guard let viewer else { return .none }
    let links = Section.allCases.filter { !$0.needsAdmin || viewer.isAdmin }.map { link -> HTML in
      let current: HTML = link == section ? " aria-current=\"page\"" : ""
      return "<a href=\"\(link.path)\"\(current)>\(link.rawValue)</a>"
    }
    return "<nav aria-label=\"Pages\">\(HTML(links))</nav>"
  }

  private var account: HTML {
    guard let viewer else { return .none }
    guard viewer.hasLogin else { return "<span class=\"who\">no login</span>" }
    let who = viewer.keyName.map { "key \($0) (\(viewer.scope.rawValue))" } ?? "token (admin)"
    return """
      <form class="who" method="post" action="/logout"><span title="How you are logged in">\(who)</span>
      <button class="plain">Log out</button></form>
      """
  }

  private var commands: HTML {
    guard !lines.isEmpty else { return .none }
    let items = lines.map { line -> HTML in
      let choice: HTML = line.choice.map { " \($0)" } ?? .none
      return "<dt class=\"line\(choice)\">\(line.label)</dt><dd class=\"copy\(choice)\"><code>\(line.text)</code></dd>"
    }
    return """
      <aside class="lines" aria-label="The same from a terminal"><h2>The same from a terminal</h2><dl>\(HTML(items))</dl></aside>
      """
  }
}
