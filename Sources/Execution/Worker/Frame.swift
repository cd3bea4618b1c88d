// SPDX-License-Identifier: Apache-2.0
/// The header of one frame of worker protocol 1: `VERB NUMBER BYTES key=value… LF`. A body of BYTES bytes follows it.
struct Frame: Equatable {
  /// A header is at most so long, its line end included.
  static let mostHeaderBytes = 4096
  private static let mostDigits = 18

  enum Verb: String { case run, ready, done, fail, forked }

  struct Field: Equatable {
    let key: String
    let value: String
  }

  let verb: Verb
  let number: Int
  let length: Int
  let fields: [Field]

  /// The value of a key.
  func value(of key: String) -> String? { fields.first { $0.key == key }?.value }

  /// Takes a header without its line end; nil if it is malformed, or its verb is none of `verbs`.
  init?(parsing line: UnsafeRawBufferPointer, verbs: [Verb]) {
    guard line.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
    var rest = line[...]
    let word = Self.nextWord(&rest)
    guard let verb = verbs.first(where: { $0.rawValue.utf8.elementsEqual(word) }),
      let number = Self.number(Self.nextWord(&rest)), let length = Self.number(Self.nextWord(&rest))
    else { return nil }
    var fields: [Field] = []
    while rest.startIndex < rest.endIndex || rest.startIndex > line.startIndex && line[rest.startIndex - 1] == 0x20 {
      let word = Self.nextWord(&rest)
      guard let equals = word.firstIndex(of: UInt8(ascii: "=")), equals > word.startIndex,
        let value = Self.decoded(word[(equals + 1)...])
      else { return nil }
      fields.append(Field(key: String(decoding: word[..<equals], as: UTF8.self), value: value))
    }
    (self.verb, self.number, self.length, self.fields) = (verb, number, length, fields)
  }

  init(_ verb: Verb, _ number: Int, length: Int, fields: [Field]) {
    (self.verb, self.number, self.length, self.fields) = (verb, number, length, fields)
  }

  /// Appends the header with its line end.
  func write(to bytes: inout [UInt8]) {
    bytes.append(contentsOf: "\(verb.rawValue) \(number) \(length)".utf8)
    for field in fields {
      bytes.append(UInt8(ascii: " "))
      bytes.append(contentsOf: field.key.utf8)
      bytes.append(UInt8(ascii: "="))
      for byte in field.value.utf8 {
        if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
          bytes.append(byte)
        } else {
          bytes += [UInt8(ascii: "%"), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
        }
      }
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  /// The bytes up to the next space, which is skipped.
  private static func nextWord(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    let end = rest.firstIndex(of: 0x20)
    let word = rest[..<(end ?? rest.endIndex)]
    rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
    return word
  }

  private static func number(_ word: Slice<UnsafeRawBufferPointer>) -> Int? {
    guard (1...mostDigits).contains(word.count) else { return nil }
    var number = 0
    for byte in word {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return number
  }

  private static func decoded(_ word: Slice<UnsafeRawBufferPointer>) -> String? {
    guard word.contains(UInt8(ascii: "%")) else { return String(decoding: word, as: UTF8.self) }
    var bytes: [UInt8] = []
    var index = word.startIndex
    while index < word.endIndex {
      if word[index] == UInt8(ascii: "%") {
        guard index + 2 < word.endIndex, let high = digit(word[index + 1]), let low = digit(word[index + 2]) else {
          return nil
        }
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(word[index])
        index += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
