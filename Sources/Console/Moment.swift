// SPDX-License-Identifier: Apache-2.0
internal import RunModel

extension HTML {
  /// A moment relative to `now`, the exact one on hover. The script keeps it right while the page is open.
  static func moment(_ moment: Timestamp, now: Timestamp) -> HTML {
    let exact = moment.description
    let shown = "\(exact.prefix(10)) \(exact.dropFirst(11).prefix(8)) UTC"
    return "<time datetime=\"\(exact)\" title=\"\(shown)\">\(relative(moment, now))</time>"
  }

  /// Such as `3 min ago` or `in 2 h`. The script has the same words.
  private static func relative(_ moment: Timestamp, _ now: Timestamp) -> String {
    let seconds = (now.microseconds - moment.microseconds) / 1_000_000
    let distance = abs(seconds)
    if distance < 5 { return "now" }
    let (count, unit): (Int64, String) =
      switch distance {
      case ..<60: (distance, "s")
      case ..<3600: (distance / 60, "min")
      case ..<86_400: (distance / 3600, "h")
      default: (distance / 86_400, "d")
      }
    return seconds > 0 ? "\(count) \(unit) ago" : "in \(count) \(unit)"
  }

  /// A duration in milliseconds as people read it.
  static func duration(milliseconds: Double) -> String {
    switch milliseconds {
    case ..<0.9995: "\(decimal(milliseconds, 3)) ms"
    case ..<9.995: "\(decimal(milliseconds, 2)) ms"
    case ..<99.95: "\(decimal(milliseconds, 1)) ms"
    case ..<999.5: "\(decimal(milliseconds, 0)) ms"
    case ..<59_950: "\(decimal(milliseconds / 1000, 2)) s"
    default: "\(decimal(milliseconds / 60_000, 1)) min"
    }
  }

  /// A number with that many decimals.
  static func decimal(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    var digits = String(Int64(scaled))
    while digits.utf8.count <= decimals { digits = "0" + digits }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return decimals == 0 ? sign + digits : "\(sign)\(digits.dropLast(decimals)).\(digits.suffix(decimals))"
  }

  /// Bytes with a unit.
  static func size(_ bytes: Int) -> String {
    var (value, unit) = (Double(bytes), "bytes")
    for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 { (value, unit) = (value / 1024, next) }
    return unit == "bytes" ? "\(bytes) bytes" : "\(decimal(value, value < 10 ? 1 : 0)) \(unit)"
  }
}
