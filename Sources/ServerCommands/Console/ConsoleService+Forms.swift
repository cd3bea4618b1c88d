// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import HTTPService
internal import RunModel
internal import StateStore

/// The actions of forms.
extension ConsoleService {
  func carryOut(
    _ exchange: HTTPExchange, _ route: ConsoleRoute, _ form: FormFields, _ session: Session, _ viewer: Viewer
  ) {
    switch route {
    case .switchInsights(let name, let version):
      let isOn = form["insights"] == "on"
      answer(exchange, session, viewer) { home throws(StateError) in
        let reference = AlgorithmReference(algorithm: name, selector: .exact(version))
        do throws(StateError) {
          _ = try home.versions.lookup.store.setInsights(isOn, matching: reference)
        } catch .noSuchVersion { return Self.noSuchAlgorithm(name) }
        return .seeOther(route.page, .done("Insights is \(isOn ? "on" : "off") for \(reference.description)."))
      }
    case .publish(let name): publish(exchange, name, form, session, viewer)
    case .publishNew: publish(exchange, nil, form, session, viewer)
    case .keys: createKey(exchange, form, session, viewer)
    case .revokeKey(let name):
      answer(exchange, session, viewer) { home throws(StateError) in
        do throws(StateError) { try home.keys.store.revoke(name) } catch .noSuchKey {
          return .seeOther("/keys", .note("There is no key \(name) any more."))
        }
        return .seeOther("/keys", .done("The key \(name) is revoked. It is refused from now on."))
      }
    case .connect: connect(exchange, form, session, viewer)
    case .saveAnyway: saveAnyway(exchange, form, session, viewer)
    case .removeConnection, .retryOutbox, .purgeOutbox: changeOutbox(route, exchange, session, viewer)
    case .tryIt(let name): tryOut(name, exchange, form, session, viewer)
    default: respond(exchange, .notFound("There is no such page."), session, viewer)
    }
  }

  private func createKey(_ exchange: HTTPExchange, _ fields: FormFields, _ session: Session, _ viewer: Viewer) {
    answer(exchange, session, viewer) { home throws(StateError) in
      var form = KeysPage.Form()
      form.name = String(fields["name"].filter { !$0.isWhitespace })
      form.scope = KeyScope(rawValue: fields["scope"]) ?? .call
      func page(_ form: KeysPage.Form, _ created: (String, Secret)?) throws(StateError) -> ConsoleAnswer {
        .page(KeysPage.page(try home.keys.store.keys(), form: form, created: created, viewer: viewer, notice: nil))
      }
      guard APIKey.isValidName(form.name) else {
        form.error = "A name is 1 to 64 letters, digits, _ . and -."
        return try page(form, nil)
      }
      do throws(StateError) {
        let key = try home.keys.store.create(form.name, scope: form.scope)
        return try page(KeysPage.Form(), (form.name, key))
      } catch .keyExists {
        form.error = "There is a key named \(form.name) already. Choose another name, or revoke it first."
        return try page(form, nil)
      }
    }
  }

  /// - Parameter name: nil for a new algorithm.
  private func publish(
    _ exchange: HTTPExchange, _ name: AlgorithmName?, _ fields: FormFields, _ session: Session, _ viewer: Viewer
  ) {
    var form = PublishPage.Form()
    form.name = fields["name"]
    form.part = VersionNumber.Part(rawValue: fields["part"]) ?? .revision
    form.notes = fields["notes"]
    form.insights = fields.isSet("insights")
    form.command = fields["command"]
    form.directory = fields["directory"]
    let sent = form
    answer(exchange, session, viewer) { home throws(StateError) in
      try Self.publish(sent, name, home, viewer)
    }
  }

  private static func publish(
    _ sent: PublishPage.Form, _ name: AlgorithmName?, _ home: StateRoutes, _ viewer: Viewer
  ) throws(StateError) -> ConsoleAnswer {
    var form = sent
    let mayCommand = viewer.isAdmin && viewer.allowsCommands
    guard name != nil || mayCommand else { return noCommands }
    let words = form.command.split(separator: "\n").map(String.init)
    if !words.isEmpty || !form.directory.isEmpty, !mayCommand { return noCommands }
    guard let algorithm = name ?? (try? AlgorithmName(parsing: form.name)) else {
      form.errors["name"] = "Write OWNER/NAME, each of 1 to 64 letters, digits, _ . and -."
      return .page(PublishPage.page(form, previous: nil, viewer: viewer))
    }
    let previous = try home.versions.lookup.store.latest(
      matching: AlgorithmReference(algorithm: algorithm, selector: .latest))
    if name != nil, previous == nil { return noSuchAlgorithm(algorithm) }
    let shown = name == nil ? nil : previous
    if form.command.utf8.contains(0) || form.notes.utf8.count > 10_000 {
      form.errors["notes"] = "Notes have at most 10,000 bytes."
    }
    if words.isEmpty, shown == nil { form.errors["command"] = "The first version needs a command." }
    if name == nil, previous != nil {
      form.errors["name"] = "\(algorithm) is published already. Publish its next version from its page."
    }
    if !form.directory.isEmpty, !form.directory.hasPrefix("/") {
      form.errors["directory"] = "Write an absolute path; it begins with /."
    }
    guard form.errors.isEmpty else { return .page(PublishPage.page(form, previous: shown, viewer: viewer)) }
    var publication = PublicationForm()
    (publication.part, publication.insights, publication.notes) = (form.part, form.insights, form.notes)
    if !words.isEmpty { publication.command = words }
    if !form.directory.isEmpty { publication.directory = form.directory }
    publication.changesExecution = !words.isEmpty || !form.directory.isEmpty
    do throws(RouteProblem) {
      let version = try home.versions.publish(publication, as: algorithm, isAdministrator: viewer.isAdmin)
      return .seeOther(
        "/algorithms/\(algorithm)",
        .done("\(version.reference) is published, with Insights \(version.insights ? "on" : "off")."))
    } catch {
      form.errors[error.status == 400 && !form.directory.isEmpty ? "directory" : "notes"] = error.message
      return .page(PublishPage.page(form, previous: shown, viewer: viewer))
    }
  }
}
