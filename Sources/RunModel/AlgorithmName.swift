// SPDX-License-Identifier: Apache-2.0
/// The owner and the name of an algorithm: `OWNER/NAME`.
public struct AlgorithmName: Hashable, Sendable, CustomStringConvertible {
  /// The part before the slash.
  public let owner: String
  /// The part after the slash.
  public let name: String

  /// Takes `OWNER/NAME`, each part `[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}`.
  ///
  /// - Throws: ``ReferenceError/malformedName(_:)`` for anything else.
  public init(parsing text: some StringProtocol) throws(ReferenceError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, Self.isValidPart(parts[0]), Self.isValidPart(parts[1]) else {
      throw .malformedName(String(text))
    }
    owner = String(parts[0])
    name = String(parts[1])
  }

  /// Nil unless both are such parts.
  public init?(owner: String, name: String) {
    guard Self.isValidPart(owner), Self.isValidPart(name) else { return nil }
    (self.owner, self.name) = (owner, name)
  }

  /// `OWNER/NAME`.
  public var description: String { owner + "/" + name }

  private static func isValidPart(_ part: some StringProtocol) -> Bool {
    let bytes = part.utf8
    guard (1...64).contains(bytes.count), let first = bytes.first, isWordByte(first) else { return false }
    return bytes.dropFirst().allSatisfy { isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
