// SPDX-License-Identifier: Apache-2.0
/// A frame of the worker protocol: `VERB NUMBER BYTES key=value…` and a newline, then that many bytes.
/// docs/worker-protocol.md explains them.
struct WorkerFrame {
  static let headerLimit = 4096

  let verb: String
  let number: Int
  var keys: [(key: String, value: String)] = []
  var body: [UInt8] = []

  init(verb: String, number: Int, keys: [(key: String, value: String)] = [], body: [UInt8] = []) {
    self.verb = verb
    self.number = number
    self.keys = keys
    self.body = body
  }

  /// A header without its newline, and how many bytes of body follow it. A supervisor sends nothing but `run`.
  static func read(header line: some Collection<UInt8>) throws(WorkerError) -> (frame: WorkerFrame, size: Int) {
    guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .malformedFrame }
    let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count >= 3, fields[0].elementsEqual("run".utf8), let number = integer(fields[1]),
      let size = integer(fields[2])
    else { throw .malformedFrame }
    var frame = WorkerFrame(verb: "run", number: number)
    for field in fields[3...] {
      guard let equals = field.firstIndex(of: UInt8(ascii: "=")), equals > field.startIndex,
        let value = percentDecoded(field[field.index(after: equals)...])
      else { throw .malformedFrame }
      frame.keys.append((String(decoding: field[..<equals], as: UTF8.self), value))
    }
    return (frame, size)
  }

  subscript(key: String) -> String? {
    keys.last { $0.key == key }?.value
  }

  var bytes: [UInt8] {
    var header = "\(verb) \(number) \(body.count)"
    for (key, value) in keys { header += " \(key)=\(Self.percentEncoded(value))" }
    return Array(header.utf8) + [UInt8(ascii: "\n")] + body
  }

  private static func integer(_ digits: some Collection<UInt8>) -> Int? {
    guard (1...18).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static func percentDecoded(_ value: some Collection<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = value[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }

  private static func percentEncoded(_ value: String) -> String {
    var encoded = ""
    for byte in value.utf8 {
      if (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "%") {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }
}
