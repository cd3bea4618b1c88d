/// A JSON text as a tree; numbers stay as they were written, members keep their order.
///
/// For small texts only, such as an envelope's identifier or a line under test: what may be large goes through
/// ``JSONScanner`` instead.
public indirect enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  /// A number in its own spelling: `0.10`.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A name and its value.
  public struct Member: Sendable, Equatable {
    /// Decoded.
    public let name: String
    /// Its value.
    public let value: JSONValue

    /// A member of given parts.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// Takes exactly one JSON text of RFC 8259, nested at most ``JSONScanner/maximumDepth`` deep.
  ///
  /// - Throws: ``JSONError`` with the offset of the first byte that does not belong there.
  public init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    let text = Array(bytes)
    var scanner = JSONScanner()
    text.withUnsafeBytes { scanner.consume($0) }
    guard scanner.isComplete else {
      throw scanner.hasFailed ? .unexpectedByte(offset: scanner.offset) : .incomplete
    }
    var builder = JSONTreeBuilder(text: text)
    self = builder.value()
  }

  /// The value of the member called `name`; the last where it is there twice. Nil for anything but an object.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  /// The text of a string, else nil.
  public var string: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The characters between the quotes of a valid JSON string, decoded; a surrogate without its partner becomes U+FFFD.
  public static func decodeString(_ raw: some Collection<UInt8>) -> String {
    guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
    var units: [UInt16] = []
    var plain: [UInt8] = []
    var rest = raw.makeIterator()
    func flush() {
      units.append(contentsOf: String(decoding: plain, as: UTF8.self).utf16)
      plain.removeAll(keepingCapacity: true)
    }
    while let byte = rest.next() {
      guard byte == UInt8(ascii: "\\") else {
        plain.append(byte)
        continue
      }
      flush()
      switch rest.next() {
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0c)
      case UInt8(ascii: "n"): units.append(0x0a)
      case UInt8(ascii: "r"): units.append(0x0d)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "u"):
        var digits = ""
        for _ in 0..<4 { digits.unicodeScalars.append(Unicode.Scalar(rest.next() ?? 0)) }
        units.append(UInt16(digits, radix: 16) ?? 0xfffd)
      case let other?: units.append(UInt16(other))
      case nil: break
      }
    }
    flush()
    return String(decoding: units, as: UTF16.self)
  }
}

/// Bytes that are not one JSON text.
public enum JSONError: Error, Equatable, CustomStringConvertible {
  case unexpectedByte(offset: Int)
  case incomplete

  /// What is wrong, as part of a sentence.
  public var description: String {
    switch self {
    case .unexpectedByte(let offset): "not JSON at byte \(offset + 1)"
    case .incomplete: "not JSON: it ends too early"
    }
  }
}

/// Builds the tree of a text that ``JSONScanner`` accepted, so it has no errors to handle.
private struct JSONTreeBuilder {
  let text: [UInt8]
  var position = 0

  init(text: [UInt8]) { self.text = text }

  mutating func value() -> JSONValue {
    switch nextSignificant() {
    case UInt8(ascii: "{"):
      var members: [JSONValue.Member] = []
      position += 1
      while nextSignificant() != UInt8(ascii: "}") {
        if text[position] == UInt8(ascii: ",") { position += 1 }
        _ = nextSignificant()
        let name = string()
        _ = nextSignificant()
        position += 1
        members.append(JSONValue.Member(name, value()))
      }
      position += 1
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      position += 1
      while nextSignificant() != UInt8(ascii: "]") {
        if text[position] == UInt8(ascii: ",") { position += 1 }
        elements.append(value())
      }
      position += 1
      return .array(elements)
    case UInt8(ascii: "\""): return .string(string())
    case UInt8(ascii: "t"): return word(4, .boolean(true))
    case UInt8(ascii: "f"): return word(5, .boolean(false))
    case UInt8(ascii: "n"): return word(4, .null)
    default:
      let start = position
      while position < text.count, "+-.eE0123456789".utf8.contains(text[position]) { position += 1 }
      return .number(String(decoding: text[start..<position], as: UTF8.self))
    }
  }

  private mutating func word(_ length: Int, _ value: JSONValue) -> JSONValue {
    position += length
    return value
  }

  private mutating func string() -> String {
    let start = position + 1
    position = start
    while text[position] != UInt8(ascii: "\"") { position += text[position] == UInt8(ascii: "\\") ? 2 : 1 }
    position += 1
    return JSONValue.decodeString(text[start..<position - 1])
  }

  private mutating func nextSignificant() -> UInt8 {
    while text[position] <= 0x20 { position += 1 }
    return text[position]
  }
}
