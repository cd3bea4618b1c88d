// SPDX-License-Identifier: Apache-2.0

/// An API key of the HTTP server without its text, which is not kept.
public struct APIKey: Sendable, Equatable {
  /// Identifies the key in lists and logs.
  public let name: String
  /// Its rights.
  public let scope: KeyScope
  /// When it was created.
  public let createdAt: Timestamp

  /// A key of the given parts.
  public init(name: String, scope: KeyScope, createdAt: Timestamp) {
    self.name = name
    self.scope = scope
    self.createdAt = createdAt
  }

  /// Whether `text` can name a key: 1 to 64 letters, digits, `_`, `.` and `-`.
  public static func isValidName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
