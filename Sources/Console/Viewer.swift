// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// The person that a page is made for, and how the server is reached.
public struct Viewer: Sendable {
  /// Their scope.
  public var scope: KeyScope
  /// The name of their key; nil for the token, and for a server without login.
  public var keyName: String?
  /// Whether there is a login at all.
  public var hasLogin: Bool
  /// Scheme and host as the browser sees them, for the lines to copy.
  public var origin: String
  /// Whether commands may be published.
  public var allowsCommands: Bool
  /// When the page is made.
  public var now: Timestamp

  /// A viewer.
  public init(
    scope: KeyScope, keyName: String?, hasLogin: Bool, origin: String, allowsCommands: Bool, now: Timestamp
  ) {
    (self.scope, self.keyName, self.hasLogin) = (scope, keyName, hasLogin)
    (self.origin, self.allowsCommands, self.now) = (origin, allowsCommands, now)
  }

  /// The header of a `curl` line; empty without login.
  var authorization: String { hasLogin ? " -H \"Authorization: Simple $KEY\"" : "" }

  /// The `curl` line that lists executions.
  func executions(_ query: String) -> String { "curl \"\(origin)/v1/executions?\(query)\"\(authorization)" }

  /// May publish and switch Insights.
  var mayPublish: Bool { scope >= .publish }

  /// May change the connection and keys.
  public var isAdmin: Bool { scope >= .admin }
}
