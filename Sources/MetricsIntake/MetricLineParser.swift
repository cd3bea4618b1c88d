// SPDX-License-Identifier: Apache-2.0
internal import JSONText

/// Reads one line of the metrics channel: a strict JSON object (RFC 8259) of names and values, in one pass over the
/// bytes. Numbers are not converted: only their places are kept.
///
/// The only leniency is for the tokens NaN, Infinity and -Infinity, which many languages write for doubles: they are
/// recognized so that they can be rejected by name.
///
/// The path of a number is inlined by force, here and in ``MetricTable``: calls were a third of a short line's cost.
struct MetricLineParser {
  /// The kind of a member's value.
  enum Value: UInt8 {
    case number, notFinite, string, boolean, null, object, array
  }

  /// One member of the object: places in the line, no copies.
  struct Member {
    var nameStart: Int
    var nameEnd: Int
    /// Whether the name has escapes and must be decoded before it is compared.
    var nameIsEscaped: Bool
    var valueStart: Int
    var valueEnd: Int
    var value: Value
  }

  /// Why a line is not an object of metrics.
  struct Malformed: Error {
    let detail: String
  }

  private let bytes: UnsafePointer<UInt8>
  private let end: Int
  private var position = 0

  /// `bytes` are lent for as long as the parser is used.
  init(_ bytes: UnsafePointer<UInt8>, count: Int) {
    self.bytes = bytes
    end = count
  }

  /// Appends the line's members, in their order, to `members`. False if the line is blank.
  mutating func parse(into members: inout MemberList) throws(Malformed) -> Bool {
    skipWhitespace()
    guard position < end else { return false }
    guard bytes[position] == UInt8(ascii: "{") else { throw Malformed(detail: "not a JSON object") }
    position += 1
    skipWhitespace()
    if peek() == UInt8(ascii: "}") {
      position += 1
    } else {
      try parseMembers(into: &members)
    }
    skipWhitespace()
    guard position == end else { throw unexpected("the end of the line") }
    return true
  }

  private mutating func parseMembers(into members: inout MemberList) throws(Malformed) {
    while true {
      guard peek() == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
      position += 1
      let nameStart = position
      let escaped = try skipString()
      let nameEnd = position - 1
      skipWhitespace()
      guard peek() == UInt8(ascii: ":") else { throw unexpected("a colon") }
      position += 1
      skipWhitespace()
      let valueStart = position
      let value = try skipValue()
      members.append(
        Member(
          nameStart: nameStart, nameEnd: nameEnd, nameIsEscaped: escaped, valueStart: valueStart, valueEnd: position,
          value: value))
      skipWhitespace()
      switch peek() {
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
      case UInt8(ascii: "}"):
        position += 1
        return
      default: throw unexpected("a comma or the end of the object")
      }
    }
  }

  // MARK: Values

  @inline(__always)
  private mutating func skipValue() throws(Malformed) -> Value {
    switch peek() {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return try skipNumber()
    case UInt8(ascii: "-"):
      guard position + 1 < end, bytes[position + 1] == UInt8(ascii: "I") else { return try skipNumber() }
      position += 1
      return try skipWord("Infinity", .notFinite)
    case UInt8(ascii: "N"): return try skipWord("NaN", .notFinite)
    case UInt8(ascii: "I"): return try skipWord("Infinity", .notFinite)
    case UInt8(ascii: "\""):
      position += 1
      _ = try skipString()
      return .string
    case UInt8(ascii: "t"): return try skipWord("true", .boolean)
    case UInt8(ascii: "f"): return try skipWord("false", .boolean)
    case UInt8(ascii: "n"): return try skipWord("null", .null)
    case UInt8(ascii: "{"):
      try skipNested()
      return .object
    case UInt8(ascii: "["):
      try skipNested()
      return .array
    default: throw unexpected("a value")
    }
  }

  private mutating func skipWord(_ word: StaticString, _ value: Value) throws(Malformed) -> Value {
    let length = word.utf8CodeUnitCount
    guard end - position >= length else { throw unexpected("a value") }
    for index in 0..<length where bytes[position + index] != word.utf8Start[index] { throw unexpected("a value") }
    position += length
    return value
  }

  /// An object or array that is not a metric's value, but must be JSON for the line to be. Depth is kept in an array
  /// of closing brackets, not on the stack: 64 KiB of `[` must not exhaust it.
  private mutating func skipNested() throws(Malformed) {
    var closers: [UInt8] = []
    var expectsValue = true
    while true {
      skipWhitespace()
      if expectsValue, let opener = openedBracket() {
        position += 1
        closers.append(opener == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        skipWhitespace()
        expectsValue = peek() != closers.last
        guard !expectsValue else {
          if opener == UInt8(ascii: "{") { try skipInnerName() }
          continue
        }
      } else if expectsValue {
        _ = try skipValue()
        expectsValue = false
        skipWhitespace()
      }
      guard let closer = closers.last else { return }
      switch peek() {
      case closer:
        position += 1
        closers.removeLast()
        if closers.isEmpty { return }
      case UInt8(ascii: ","):
        position += 1
        skipWhitespace()
        if closer == UInt8(ascii: "}") { try skipInnerName() }
        expectsValue = true
      default: throw unexpected("a comma or a closing bracket")
      }
    }
  }

  private func openedBracket() -> UInt8? {
    let byte = peek()
    return byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") ? byte : nil
  }

  private mutating func skipInnerName() throws(Malformed) {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
    position += 1
    _ = try skipString()
    skipWhitespace()
    guard peek() == UInt8(ascii: ":") else { throw unexpected("a colon") }
    position += 1
  }

  // MARK: Numbers

  /// `-? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?`
  @inline(__always)
  private mutating func skipNumber() throws(Malformed) -> Value {
    let start = position
    if peek() == UInt8(ascii: "-") { position += 1 }
    let firstDigit = peek()
    let digits = skipDigits()
    guard digits > 0, digits == 1 || firstDigit != UInt8(ascii: "0") else {
      throw Malformed(detail: "a number is not written as JSON does, at byte \(start + 1)")
    }
    if peek() == UInt8(ascii: ".") {
      position += 1
      guard skipDigits() > 0 else { throw unexpected("a digit") }
    }
    // A double holds about 1.8e308: without an exponent only more than 308 digits before the point can overflow it.
    var mayOverflow = digits > 308
    if peek() | 0x20 == UInt8(ascii: "e") {
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      guard skipDigits() > 0 else { throw unexpected("a digit") }
      mayOverflow = true
    }
    guard mayOverflow else { return .number }
    let text = String(decoding: UnsafeBufferPointer(start: bytes + start, count: position - start), as: UTF8.self)
    return Double(text)?.isFinite == true ? .number : .notFinite
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < end, bytes[position] &- UInt8(ascii: "0") < 10 { position &+= 1 }
    return position - start
  }

  // MARK: Strings

  /// From behind the opening quote to behind the closing one. Returns whether there are escapes.
  @inline(__always)
  private mutating func skipString() throws(Malformed) -> Bool {
    var escaped = false
    while true {
      skipPlainCharacters()
      guard position < end else { throw Malformed(detail: "a string does not end") }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return escaped
      case UInt8(ascii: "\\"):
        escaped = true
        try skipEscape()
      case ..<0x20: throw Malformed(detail: "an unescaped control character at byte \(position + 1)")
      case 0x80...:
        let length = UTF8Sequence.length(at: bytes + position, available: end - position)
        guard length > 0 else { throw Malformed(detail: "invalid UTF-8 at byte \(position + 1)") }
        position += length
      default: position &+= 1
      }
    }
  }

  /// Eight bytes at a time, over ASCII that needs no escape in a string, to the first other byte or fewer than eight
  /// bytes before the end. After "Bit Twiddling Hacks",
  /// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord: of the bytes found, the lowest is exact.
  @inline(__always)
  private mutating func skipPlainCharacters() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    while end - position >= 8 {
      let word = UInt64(littleEndian: UnsafeRawPointer(bytes + position).loadUnaligned(as: UInt64.self))
      let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
      let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
      let controls = (word &- ones &* 0x20) & ~word
      let quotes = (quote &- ones) & ~quote
      let backslashes = (backslash &- ones) & ~backslash
      let found = (word | controls | quotes | backslashes) & (ones &* 0x80)
      guard found == 0 else {
        position &+= found.trailingZeroBitCount / 8
        return
      }
      position &+= 8
    }
  }

  private mutating func skipEscape() throws(Malformed) {
    let start = position
    guard let escape = JSONEscape(at: bytes + position, available: end - position) else {
      throw Malformed(detail: "an escape that JSON does not have at byte \(start + 1)")
    }
    position += escape.length
  }

  // MARK: Bytes

  /// The byte here, or 0, which no rule accepts, at the end.
  private func peek() -> UInt8 { position < end ? bytes[position] : 0 }

  private mutating func skipWhitespace() {
    while position < end {
      switch bytes[position] {
      case 0x20, 0x09, 0x0d, 0x0a: position &+= 1
      default: return
      }
    }
  }

  private func unexpected(_ expected: String) -> Malformed {
    Malformed(
      detail: position < end ? "expected \(expected) at byte \(position + 1)" : "the line ends before \(expected)")
  }
}
