// SPDX-License-Identifier: Apache-2.0
/// Decides, chunk by chunk and in constant memory, whether bytes are exactly one JSON text (RFC 8259, valid UTF-8).
///
/// It builds nothing: outputs of any size pass through it while they are captured. ``JSONMemberScanner`` finds the
/// members of an object with it.
public struct JSONScanner: Sendable {
  /// Deepest nesting accepted: consumers of a result must be able to read it, and common parsers stop near 1,000.
  public static let maximumDepth = 512

  /// The bytes that may follow.
  enum State: UInt8, Sendable {
    case beforeValue, beforeFirstElement, beforeFirstName, beforeName, afterName, afterValue
    case string, escape, hexDigits, continuation
    case minus, zero, integer, point, fraction, exponentMark, exponentSign, exponent
    case literal, failed
  }

  private(set) var state = State.beforeValue
  /// How many objects and arrays are open.
  public private(set) var depth = 0
  /// How many bytes were accepted; after a failure, where it was.
  public private(set) var offset = 0
  private(set) var isName = false
  /// One bit a level: whether it is an object.
  private var objects = InlineArray<8, UInt64>(repeating: 0)
  private var literal: StaticString = "true"
  private var remaining = 0
  private var characters = UTF8Scanner()

  /// A scanner at the start of a text.
  public init() {}

  /// Whether something was found that no JSON text contains.
  public var hasFailed: Bool { state == .failed }

  /// Whether the bytes so far are one whole JSON text.
  public var isComplete: Bool {
    guard depth == 0 else { return false }
    return switch state {
    case .afterValue, .zero, .integer, .fraction, .exponent: true
    default: false
    }
  }

  /// Takes the next bytes; after a failure it takes no more.
  public mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      // Most bytes of real outputs are plain characters of strings.
      if state == .string, byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        index += 1
        offset += 1
        continue
      }
      step(byte)
      guard state != .failed else { return }
      index += 1
    }
  }

  /// Takes one byte.
  mutating func step(_ byte: UInt8) {
    state = next(byte)
    if state != .failed { offset += 1 }
  }

  private mutating func next(_ byte: UInt8) -> State {
    switch state {
    case .beforeValue: return isSpace(byte) ? .beforeValue : begin(byte)
    case .beforeFirstElement:
      if isSpace(byte) { return state }
      return byte == UInt8(ascii: "]") ? close(object: false) : begin(byte)
    case .beforeFirstName:
      if byte == UInt8(ascii: "}") { return close(object: true) }
      return beginName(byte)
    case .beforeName: return beginName(byte)
    case .afterName:
      if isSpace(byte) { return state }
      return byte == UInt8(ascii: ":") ? .beforeValue : .failed
    case .afterValue: return afterValue(byte)
    case .string: return inString(byte)
    case .escape:
      if byte == UInt8(ascii: "u") {
        remaining = 4
        return .hexDigits
      }
      return "\"\\/bfnrt".utf8.contains(byte) ? .string : .failed
    case .hexDigits:
      guard isHexDigit(byte) else { return .failed }
      remaining -= 1
      return remaining == 0 ? .string : .hexDigits
    case .continuation: return inCharacter(byte)
    case .literal:
      guard byte == literal.utf8Start[literal.utf8CodeUnitCount - remaining] else { return .failed }
      remaining -= 1
      return remaining == 0 ? .afterValue : .literal
    case .minus, .zero, .integer, .point, .fraction, .exponentMark, .exponentSign, .exponent: return inNumber(byte)
    case .failed: return .failed
    }
  }

  private mutating func begin(_ byte: UInt8) -> State {
    switch byte {
    case UInt8(ascii: "{"): return open(object: true)
    case UInt8(ascii: "["): return open(object: false)
    case UInt8(ascii: "\""):
      isName = false
      return .string
    case UInt8(ascii: "-"): return .minus
    case UInt8(ascii: "0"): return .zero
    case UInt8(ascii: "1")...UInt8(ascii: "9"): return .integer
    case UInt8(ascii: "t"): return expect("true")
    case UInt8(ascii: "f"): return expect("false")
    case UInt8(ascii: "n"): return expect("null")
    default: return .failed
    }
  }

  private mutating func beginName(_ byte: UInt8) -> State {
    if isSpace(byte) { return state }
    guard byte == UInt8(ascii: "\"") else { return .failed }
    isName = true
    return .string
  }

  private mutating func expect(_ text: StaticString) -> State {
    literal = text
    remaining = text.utf8CodeUnitCount - 1
    return .literal
  }

  private mutating func open(object: Bool) -> State {
    guard depth < Self.maximumDepth else { return .failed }
    let bit = UInt64(1) << UInt64(depth % 64)
    if object { objects[depth / 64] |= bit } else { objects[depth / 64] &= ~bit }
    depth += 1
    return object ? .beforeFirstName : .beforeFirstElement
  }

  private mutating func close(object: Bool) -> State {
    guard depth > 0, isInObject == object else { return .failed }
    depth -= 1
    return .afterValue
  }

  private var isInObject: Bool { objects[(depth - 1) / 64] >> UInt64((depth - 1) % 64) & 1 == 1 }

  private mutating func afterValue(_ byte: UInt8) -> State {
    if isSpace(byte) { return .afterValue }
    switch byte {
    case UInt8(ascii: ",") where depth > 0: return isInObject ? .beforeName : .beforeValue
    case UInt8(ascii: "}"): return close(object: true)
    case UInt8(ascii: "]"): return close(object: false)
    default: return .failed
    }
  }

  private mutating func inString(_ byte: UInt8) -> State {
    switch byte {
    case UInt8(ascii: "\""): isName ? .afterName : .afterValue
    case UInt8(ascii: "\\"): .escape
    case 0x20..<0x80: .string
    case 0x80...: inCharacter(byte)
    default: .failed
    }
  }

  private mutating func inCharacter(_ byte: UInt8) -> State {
    characters.step(byte)
    guard characters.isValid else { return .failed }
    return characters.unfinished == 0 ? .string : .continuation
  }

  private mutating func inNumber(_ byte: UInt8) -> State {
    let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    switch state {
    case .minus: return byte == UInt8(ascii: "0") ? .zero : isDigit ? .integer : .failed
    case .point: return isDigit ? .fraction : .failed
    case .exponentMark:
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { return .exponentSign }
      return isDigit ? .exponent : .failed
    case .exponentSign: return isDigit ? .exponent : .failed
    case .integer where isDigit, .fraction where isDigit, .exponent where isDigit: return state
    case .zero where byte == UInt8(ascii: "."), .integer where byte == UInt8(ascii: "."): return .point
    case .exponent: return afterValue(byte)
    default: return byte | 0x20 == UInt8(ascii: "e") ? .exponentMark : afterValue(byte)
    }
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  private func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }
}
