// SPDX-License-Identifier: Apache-2.0
/// A piece of a page. Literals are markup and texts are escaped: `"<td>\(name)</td>"` is safe whatever `name` holds,
/// because its type decides. There is no way from a `String` to markup except a literal.
public struct HTML: Sendable, ExpressibleByStringInterpolation {
  /// UTF-8.
  public private(set) var bytes: [UInt8]

  /// Nothing.
  public static let none = HTML(bytes: [])

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Markup.
  public init(stringLiteral markup: StaticString) { bytes = markup.withUTF8Buffer { unsafe Array($0) } }

  /// Markup with values.
  public init(stringInterpolation parts: StringInterpolation) { bytes = parts.bytes }

  /// Pieces in their order.
  public init(_ pieces: some Sequence<HTML>) { bytes = pieces.flatMap(\.bytes) }

  /// Appends a piece.
  public static func += (page: inout HTML, piece: HTML) { page.bytes += piece.bytes }

  /// Two pieces, one after the other.
  static func + (one: HTML, other: HTML) -> HTML { HTML(bytes: one.bytes + other.bytes) }

  /// Collects the pieces of an interpolation.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var bytes: [UInt8] = []

    /// An empty one.
    public init(literalCapacity: Int, interpolationCount: Int) {
      bytes.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    /// Markup.
    public mutating func appendLiteral(_ literal: StaticString) {
      bytes += literal.withUTF8Buffer { unsafe Array($0) }
    }

    /// A text, between tags or as the value of an attribute in quotes.
    public mutating func appendInterpolation(_ text: String) { HTML.escape(text, into: &bytes) }

    /// A number.
    public mutating func appendInterpolation(_ number: Int) { bytes += String(number).utf8 }

    /// A piece of its own.
    public mutating func appendInterpolation(_ piece: HTML) { bytes += piece.bytes }
  }

  /// Control characters, of which most are not allowed in a page, become their pictures (U+2400 and following).
  private static func escape(_ text: String, into bytes: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += "&amp;".utf8
      case UInt8(ascii: "<"): bytes += "&lt;".utf8
      case UInt8(ascii: ">"): bytes += "&gt;".utf8
      case UInt8(ascii: "\""): bytes += "&quot;".utf8
      case UInt8(ascii: "'"): bytes += "&#39;".utf8
      case 0x09, 0x0a, 0x20...0x7e, 0x80...0xff: bytes.append(byte)
      case 0x7f: bytes += "\u{2421}".utf8
      default: bytes += [0xe2, 0x90, 0x80 + byte]
      }
    }
  }
}
