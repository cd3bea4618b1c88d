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
  /// Connections that were tested and not saved, by an identifier that says nothing of them.
  var trials: [String: ConnectionTrial] = [:]
  private var sentForms: Set<String> = []

  init(key: APIKey?) { self.key = key }

  var scope: KeyScope { key?.scope ?? .admin }

  /// Whether a form with this number comes for the first time.
  func isFirst(_ number: String) -> Bool {
    if sentForms.count >= Self.rememberedForms { sentForms = [] }
    return sentForms.insert(number).inserted
  }

  /// Takes the notice for a page.
  func takeNotice() -> Notice? { notice.take() }
}
