// SPDX-License-Identifier: Apache-2.0
/// A name or version that is not written as one.
public enum ReferenceError: Error, Equatable, CustomStringConvertible {
  case malformedName(String)
  case malformedVersion(String)

  /// One sentence that ends in what to do.
  public var description: String {
    switch self {
    case .malformedName(let text):
      "\"\(TerminalText.escaped(text))\" does not name an algorithm; write OWNER/NAME, each part of letters, digits, "
        + "_ . - (at most 64), or OWNER/NAME/VERSION."
    case .malformedVersion(let text):
      "\"\(TerminalText.escaped(text))\" is not a version; write three numbers below a million without leading zeros, such "
        + "as 1.2.0 (to choose among published versions also 1, 1.2 or 1.2.*)."
    }
  }
}
