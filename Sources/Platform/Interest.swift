// SPDX-License-Identifier: Apache-2.0
/// The events of a descriptor that a handler is called for.
public struct Interest: OptionSet, Sendable {
  /// The bits of `event_interest` in CPlatform.h.
  public let rawValue: Int32

  /// An interest of the given bits.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Data can be read, or the end of the stream or an error was reached.
  public static let read = Interest(rawValue: 1)
  /// Data can be written, or an error was reached.
  public static let write = Interest(rawValue: 2)
  /// The peer has closed its side, whatever data is still to be read; reported as ``read``.
  public static let hangUp = Interest(rawValue: 8)
  /// The handler is called once; ``Registration/change(to:)`` arms it again.
  public static let once = Interest(rawValue: 4)
}
