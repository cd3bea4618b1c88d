// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The keys of the HTTP API, and the form that makes one.
public enum KeysPage {
  /// The contents of the form.
  public struct Form: Sendable {
    /// The key's name.
    public var name = ""
    /// The scope that it gives.
    public var scope = KeyScope.call
    /// The problem with the name.
    public var error: String?

    /// An empty form.
    public init() {}
  }

  /// - Parameter created: a key that was made just now; it is shown this once.
  public static func page(
    _ keys: [APIKey], form: Form, created: (name: String, key: Secret)?, viewer: Viewer, notice: Notice?
  ) -> [UInt8] {
    let path = "\(viewer.origin)/v1/admin/keys\(viewer.authorization)"
    let layout = Layout(
      "Keys", .keys, viewer, notice: notice,
      lines: [
        .init("Create", "algo-run keys create NAME --scope call"),
        .init("", "curl \(path) -d '{\"name\": \"NAME\", \"scope\": \"call\"}'"),
        .init("List", "algo-run keys list"), .init("", "curl \(path)"),
        .init("Revoke", "algo-run keys revoke NAME"),
        .init("", "curl -X DELETE \(viewer.origin)/v1/admin/keys/NAME\(viewer.authorization)"),
      ])
    return layout.page("\(shown(created))<div class=\"grid\">\(list(keys, viewer))\(create(form))</div>")
  }

  private static func shown(_ created: (name: String, key: Secret)?) -> HTML {
    guard let created else { return .none }
    return """
      <section class="notice good" role="status" aria-label="The new key"><h2>The key \(created.name) is made</h2>
      <p>Copy it now: only its hash is kept, and it is never shown again.</p>
      <p class="copy"><code id="new-key">\(created.key.revealed)</code></p>
      <p class="copy"><code>export KEY=\(created.key.revealed)</code></p></section>
      """
  }

  private static func list(_ keys: [APIKey], _ viewer: Viewer) -> HTML {
    guard !keys.isEmpty else {
      return .empty(
        "No keys yet",
        "Programs that call this server send a key. Make one for each of them, with the smallest scope that does.",
        command: "algo-run keys create ci --scope call")
    }
    let rows = keys.map { key -> HTML in
      """
      <tr><th scope="row">\(key.name)</th><td><span class="badge">\(key.scope.rawValue)</span></td>
      <td class="nowrap">\(HTML.moment(key.createdAt, now: viewer.now))</td>
      <td class="number"><form method="post" action="/keys/\(key.name)/revoke">\(HTML.once())
      <button class="danger small" aria-label="Revoke \(key.name)">Revoke</button></form></td></tr>
      """
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="Keys"><table><thead><tr><th scope="col">Name</th>
      <th scope="col">Scope</th><th scope="col">Created</th><th scope="col" class="number">Action</th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table></div>
      """
  }

  private static func create(_ form: Form) -> HTML {
    let scopes = [
      (value: "call", name: "call – call algorithms and read"),
      (value: "publish", name: "publish – also publish and switch Insights"),
      (value: "admin", name: "admin – everything"),
    ]
    return """
      <form class="card" method="post" action="/keys"><h2>Create a key</h2>\(HTML.once())
      \(Field.text("name", "Name", form.name, error: form.error, hint: "Who uses it, such as ci or pricing-service."))
      \(Field.choice("scope", "Scope", scopes, chosen: form.scope.rawValue))
      <p><button class="primary">Create</button></p></form>
      """
  }
}
