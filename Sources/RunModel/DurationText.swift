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
  /// Microseconds, the rest cut off.
  public var wholeMicroseconds: Int64 {
    components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
  }

  /// Nanoseconds, the rest cut off.
  public var wholeNanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }

  /// Milliseconds with at most three decimals and no trailing zeros, as payloads carry them: `8.412`, `30`.
  public var millisecondsText: String {
    let microseconds = wholeMicroseconds
    var text = String(microseconds / 1000)
    var thousandths = (microseconds % 1000).magnitude
    if thousandths != 0 { text += "." }
    while thousandths != 0 {
      text.unicodeScalars.append(Unicode.Scalar(UInt8(ascii: "0") + UInt8(thousandths / 100)))
      thousandths = thousandths % 100 * 10
    }
    return text
  }
}
