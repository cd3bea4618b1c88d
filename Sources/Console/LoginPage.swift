// SPDX-License-Identifier: Apache-2.0
/// The page for users who are not logged in.
public enum LoginPage {
  /// Why the page is shown.
  public enum Reason: Sendable {
    /// A page was asked for.
    case start
    /// A form was sent without a session: nothing was done.
    case formLost
    /// The key or token is none.
    case wrong
    /// The session was ended by its owner.
    case loggedOut
  }

  /// - Parameters:
  ///   - next: the path to go to afterwards.
  ///   - origin: scheme and host as the browser sees them, for the line to copy.
  public static func page(_ reason: Reason, next: String, origin: String) -> [UInt8] {
    let (notice, error): (Notice?, HTML) =
      switch reason {
      case .start: (nil, .none)
      case .formLost:
        (.failed("Your session has ended, so the form was not carried out. Log in and send it again."), .none)
      case .loggedOut: (.done("You are logged out."), .none)
      case .wrong:
        (
          nil,
          """
          <p class="error" id="key-error">This is neither a key of this server nor the token that it printed at its start. \
          Check that all of it was copied.</p>
          """
        )
      }
    let described: HTML =
      error.bytes.isEmpty
      ? "aria-describedby=\"key-hint\"" : "aria-invalid=\"true\" aria-describedby=\"key-error key-hint\""
    let lines = [
      Layout.Line("Make a key", "algo-run keys create NAME --scope admin"),
      Layout.Line("Use it", "curl \(origin)/v1/algorithms -H \"Authorization: Simple $KEY\""),
    ]
    return Layout("Log in", nil, nil, notice: notice, lines: lines).page(
      """
      <form class="card narrow" method="post" action="/login"><input type="hidden" name="next" value="\(next)">
      <div class="field"><label for="key">Key or token</label>
      <input id="key" name="key" type="password" autocomplete="current-password" required autofocus \(described)>\(error)
      <p class="hint" id="key-hint">The easiest way in is the address with <code>?token=</code> that
      <code>algo-run serve</code> printed at its start. Or make a key with
      <code>algo-run keys create NAME --scope admin</code>; its scope decides what you may do here.</p></div>
      <p><button class="primary">Log in</button></p></form>
      """)
  }
}
