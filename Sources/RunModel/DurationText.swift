// SPDX-License-Identifier: Apache-2.0
/// Durations as users write them: `500ms`, `30s`, `4m`, `2h`, `7d`.
public enum DurationText {
  /// Takes a whole or decimal number and a unit; nil for anything else, and for more than 100 years.
  public static func parse(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard !digits.isEmpty, digits.first != ".", digits.last != ".", digits.filter({ $0 == "." }).count <= 1,
      let amount = Double(digits)
    else { return nil }
    let unit: Double
    switch text[digits.endIndex...] {
    case "ms": unit = 0.001
    case "s": unit = 1
    case "m": unit = 60
    case "h": unit = 3600
    case "d": unit = 86_400
    default: return nil
    }
    let seconds = amount * unit
    guard seconds <= 3_155_760_000 else { return nil }
    return .microseconds(Int64((seconds * 1_000_000).rounded()))
  }

  /// The shortest such text that is exact to the millisecond: `4m`, `1500ms`, `0s`.
  public static func format(_ duration: Duration) -> String {
    let milliseconds = duration.wholeMicroseconds / 1000
    for unit in units where milliseconds % unit.length == 0 && (milliseconds != 0 || unit.length == 1000) {
      return "\(milliseconds / unit.length)\(unit.name)"
    }
    return "\(milliseconds)ms"
  }

  /// From the longest to the shortest; lengths in milliseconds. A stored table: of a literal in the loop the compiler
  /// makes instructions in an order that differs from build to build.
  private static let units: [(name: String, length: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
  ]
}

extension Duration {
  // Not by `components`, which divides twice and checks more: these are part of each timer and each request.

  /// Microseconds, the rest cut off.
  public var wholeMicroseconds: Int64 {
    // Spans of less than 9 seconds, which are most, fit in 64 bits.
    if let short = Int64(exactly: attoseconds) { return short / 1_000_000_000_000 }
    return Int64(clamping: attoseconds / 1_000_000_000_000)
  }

  /// Nanoseconds, the rest cut off.
  public var wholeNanoseconds: Int64 {
    if let short = Int64(exactly: attoseconds) { return short / 1_000_000_000 }
    return Int64(clamping: attoseconds / 1_000_000_000)
  }

  /// A span of whole nanoseconds.
  public init(wholeNanoseconds: Int64) {
    let (short, isLong) = wholeNanoseconds.multipliedReportingOverflow(by: 1_000_000_000)
    self = isLong ? .nanoseconds(wholeNanoseconds) : Duration(attoseconds: Int128(short))
  }

  /// Milliseconds with at most three decimals and no trailing zeros, as payloads carry them: `8.412`, `30`.
  public var millisecondsText: String {
    let microseconds = wholeMicroseconds
    // Backwards, digit by digit: text of numbers in general costs many times as much.
    return String(unsafeUninitializedCapacity: 24) { text in
      var (start, rest) = (24, microseconds.magnitude)
      func put(_ byte: UInt8) {
        start -= 1
        text[start] = byte
      }
      var hasDecimals = false
      for _ in 0..<3 {
        if hasDecimals || rest % 10 != 0 {
          put(UInt8(ascii: "0") + UInt8(rest % 10))
          hasDecimals = true
        }
        rest /= 10
      }
      if hasDecimals { put(UInt8(ascii: ".")) }
      repeat {
        put(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
      } while rest > 0
      if microseconds < 0 { put(UInt8(ascii: "-")) }
      for index in start..<24 { text[index - start] = text[index] }
      return 24 - start
    }
  }
}
