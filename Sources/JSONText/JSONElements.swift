// SPDX-License-Identifier: Apache-2.0
/// The elements of one JSON array that is small enough for memory, as they are written.
public enum JSONElements {
  /// Nil if the bytes are not one JSON array.
  public static func of(_ json: [UInt8]) -> [[UInt8]]? {
    var scanner = JSONScanner()
    json.withUnsafeBytes { scanner.consume($0) }
    let isArray = json.first { !isSpace($0) } == UInt8(ascii: "[")
    guard scanner.isComplete, isArray else { return nil }
    var elements: [[UInt8]] = []
    var element: [UInt8] = []
    var (depth, isInString, isEscaped) = (0, false, false)
    for byte in json {
      if isInString {
        if !isEscaped, byte == UInt8(ascii: "\"") { isInString = false }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"):
          depth += 1
          if depth == 1 { continue }
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        case UInt8(ascii: ",") where depth == 1:
          elements.append(element)
          element = []
          continue
        default: if isSpace(byte) { continue }
        }
        if depth == 0 { break }
      }
      element.append(byte)
    }
    if !element.isEmpty { elements.append(element) }
    return elements
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x0a, 0x0d, 0x09].contains(byte) }
}
