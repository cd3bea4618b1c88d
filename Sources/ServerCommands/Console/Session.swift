// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Platform
internal import RunModel

/// A login: who it is, and what their pages have in progress. Lives in memory, so that a restart ends it.
final class Session {
  /// Forms that are remembered as sent.
  private static let rememberedForms = 1000

  /// The key that was used; nil for the token of the server, and without login.
  let key: APIKey?
  var lastUsed = MonotonicInstant.now()
  /// Shown on the next page.
  var notice: Notice?
  /// Connections that were tested and not saved, by a random identifier.
  private var testedForms: [String: ConnectTest.Tested] = [:]
  private var sentForms: Set<String> = []

  init(key: APIKey?) { self.key = key }

  var scope: KeyScope { key?.scope ?? .admin }

  /// Whether a form with this number comes for the first time.
  func isFirst(_ number: String) -> Bool {
    if sentForms.count >= Self.rememberedForms { sentForms = [] }
    return sentForms.insert(number).inserted
  }

  /// Keeps a form that was tested. Pages know it by the result alone.
  func keep(_ form: ConnectionForm, for span: Duration) -> String {
    let now = MonotonicInstant.now()
    testedForms = testedForms.filter { $0.value.until > now }
    let id = Hexadecimal.secret()
    testedForms[id] = ConnectTest.Tested(form: form, until: now + span)
    return id
  }

  /// A form that was kept, while that holds.
  func tested(_ id: String) -> ConnectionForm? {
    testedForms[id].flatMap { $0.until > .now() ? $0.form : nil }
  }

  /// Takes the notice for a page.
  func takeNotice() -> Notice? { notice.take() }
}
