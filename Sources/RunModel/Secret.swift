// SPDX-License-Identifier: Apache-2.0
/// A text that must not be seen: printed, dumped or interpolated it is `<redacted>`.
///
/// The only way to the text is ``revealed``, so that a search for that word finds every place where it leaves.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The text itself. Hand it to what needs it and to nothing else.
  public let revealed: String

  /// Keeps a text from being seen.
  public init(_ text: String) { revealed = text }

  /// The text shown instead of a secret.
  public static let redacted = "<redacted>"

  /// `<redacted>`.
  public var description: String { Self.redacted }

  /// `<redacted>`.
  public var debugDescription: String { Self.redacted }

  /// No members: `dump` and `String(reflecting:)` of whatever holds a secret show none.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
