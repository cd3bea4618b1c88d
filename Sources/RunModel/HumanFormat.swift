// SPDX-License-Identifier: Apache-2.0
/// Numbers formatted for users.
package enum HumanFormat {
  /// A count, `1,234,567`; it is not negative.
  package static func grouped(_ number: Int) -> String {
    var text = ""
    let digits = String(number)
    for (position, digit) in digits.enumerated() {
      if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `1 request`, `1,234 requests`.
  package static func counted(_ number: Int, _ noun: String) -> String {
    "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// A measured duration: `8.4ms`, `1.25s`, `2m05s`.
  package static func short(_ duration: Duration) -> String {
    let microseconds = duration.wholeMicroseconds
    if microseconds < 1_000_000 { return "\(decimals(microseconds, per: 1000))ms" }
    if microseconds < 60_000_000 { return "\(decimals(microseconds, per: 1_000_000))s" }
    return span(duration)
  }

  /// A time span: `12.3s`, `4m05s`, `2h07m`, `3d04h`.
  package static func span(_ duration: Duration) -> String {
    let seconds = duration.components.seconds
    if seconds < 60 { return "\(decimals(duration.wholeMicroseconds / 100_000, per: 10))s" }
    let (larger, smaller, units): (Int64, Int64, (String, String)) =
      seconds < 3600
      ? (seconds / 60, seconds % 60, ("m", "s"))
      : seconds < 86_400
        ? (seconds / 3600, seconds / 60 % 60, ("h", "m")) : (seconds / 86_400, seconds / 3600 % 24, ("d", "h"))
    return "\(larger)\(units.0)\(smaller < 10 ? "0" : "")\(smaller)\(units.1)"
  }

  /// Requests in a time: `8.1/s`, `210/s`, `12/min`.
  package static func rate(_ count: Int, _ duration: Duration) -> String {
    let microseconds = max(1, duration.wholeMicroseconds)
    let perThousandSeconds = Int64(min(Double(count) * 1e9 / Double(microseconds), 1e15))
    if perThousandSeconds < 1000 { return "\(decimals(perThousandSeconds * 60, per: 1000))/min" }
    return "\(decimals(perThousandSeconds, per: 1000))/s"
  }

  /// Three significant digits, no trailing zeros.
  private static func decimals(_ number: Int64, per unit: Int64) -> String {
    let whole = number / unit
    if whole >= 100 { return grouped(Int(whole)) }
    let places: Int64 = whole >= 10 ? 10 : 100
    let fraction = number % unit * places / unit
    guard fraction > 0 else { return "\(whole)" }
    var digits = String(places + fraction).dropFirst()
    while digits.last == "0" { digits = digits.dropLast() }
    return "\(whole).\(digits)"
  }
}
