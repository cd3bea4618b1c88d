// SPDX-License-Identifier: Apache-2.0
/// A JSON text that is whole in memory: where its parts end. It takes the texts that ``JSONScanner`` takes, and no others.
struct JSONBytes {
  let bytes: UnsafeRawBufferPointer

  /// The byte at a place; 0, which no JSON text contains, behind the end.
  subscript(place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }

  /// The first place from `start` on that is not space.
  func skipSpace(_ start: Int) -> Int {
    var place = start
    while isSpace(self[place]) { place += 1 }
    return place
  }

  /// The end of the string whose quote is at `start`; nil if none begins there.
  func string(_ start: Int) -> (end: Int, hasEscapes: Bool)? {
    guard self[start] == UInt8(ascii: "\"") else { return nil }
    var place = start + 1
    var hasEscapes = false
    while place < bytes.count {
      place = skipPlain(place)
      switch self[place] {
      case UInt8(ascii: "\""): return (place + 1, hasEscapes)
      case UInt8(ascii: "\\"):
        guard let length = escape(place) else { return nil }
        place += length
        hasEscapes = true
      case 0x80...:
        guard let length = character(place) else { return nil }
        place += length
      case 0x20...: place += 1
      default: return nil
      }
    }
    return nil
  }

  /// The first place from `start` on whose byte does not stand for itself in a string. Stops early near the end of the
  /// text.
  private func skipPlain(_ start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var place = start
    while place + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      // The lowest byte whose high bit is set below is the first one that is a quote, a backslash, a control character or
      // not ASCII; a borrow reaches only bytes above it.
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5c)
      let found =
        (word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word)
        & (ones &* 0x80)
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    return place
  }

  /// The length of the character at `start` that is not ASCII.
  private func character(_ start: Int) -> Int? {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
    let length = rest.withMemoryRebound(to: UInt8.self) { rest in
      rest.baseAddress.map { UTF8Sequence.length(at: $0, available: rest.count) }
    }
    return length == 0 ? nil : length
  }

  /// The length of the escape at `start`; half of a surrogate pair is one.
  private func escape(_ start: Int) -> Int? {
    switch self[start + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return 2
    case UInt8(ascii: "u"):
      for place in (start + 2)..<(start + 6) where !isHexDigit(self[place]) { return nil }
      return 6
    default: return nil
    }
  }

  /// The end of the value that begins at `start`, inside of `depth` objects and arrays; nil if none begins there.
  func value(_ start: Int, depth: Int) -> Int? {
    switch self[start] {
    case UInt8(ascii: "\""): string(start)?.end
    case UInt8(ascii: "{"), UInt8(ascii: "["): container(start, depth: depth + 1)
    case UInt8(ascii: "t"): literal("true", start)
    case UInt8(ascii: "f"): literal("false", start)
    case UInt8(ascii: "n"): literal("null", start)
    default: number(start)
    }
  }

  private func literal(_ text: StaticString, _ start: Int) -> Int? {
    for index in 0..<text.utf8CodeUnitCount where self[start + index] != text.utf8Start[index] { return nil }
    return start + text.utf8CodeUnitCount
  }

  private func container(_ start: Int, depth: Int) -> Int? {
    guard depth <= JSONScanner.maximumDepth else { return nil }
    let isObject = self[start] == UInt8(ascii: "{")
    let close = UInt8(ascii: isObject ? "}" : "]")
    var place = skipSpace(start + 1)
    if self[place] == close { return place + 1 }
    while true {
      if isObject {
        guard let name = string(place), let value = behindColon(name.end) else { return nil }
        place = value
      }
      guard let end = value(place, depth: depth) else { return nil }
      place = skipSpace(end)
      if self[place] == close { return place + 1 }
      guard self[place] == UInt8(ascii: ",") else { return nil }
      place = skipSpace(place + 1)
    }
  }

  /// Where a member's value begins, its name ending at `end`.
  func behindColon(_ end: Int) -> Int? {
    let colon = skipSpace(end)
    return self[colon] == UInt8(ascii: ":") ? skipSpace(colon + 1) : nil
  }

  private func number(_ start: Int) -> Int? {
    var place = self[start] == UInt8(ascii: "-") ? start + 1 : start
    if self[place] == UInt8(ascii: "0") {
      place += 1
    } else {
      guard let end = digits(place) else { return nil }
      place = end
    }
    if self[place] == UInt8(ascii: ".") {
      guard let end = digits(place + 1) else { return nil }
      place = end
    }
    if self[place] | 0x20 == UInt8(ascii: "e") {
      let sign = self[place + 1]
      guard let end = digits(sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") ? place + 2 : place + 1) else {
        return nil
      }
      place = end
    }
    return place
  }

  private func digits(_ start: Int) -> Int? {
    var place = start
    while self[place] &- UInt8(ascii: "0") < 10 { place += 1 }
    return place > start ? place : nil
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  private func isHexDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6
  }
}
