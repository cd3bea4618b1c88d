// SPDX-License-Identifier: Apache-2.0
/// Sizes as users write them: `65536`, `64KiB`, `64M`. Units are powers of 1,024, with or without `iB` or `B`.
public enum ByteSize {
  /// Nil for anything that is not a size of at most 2^62 bytes.
  public static func parse(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let amount = Int(digits) else { return nil }
    let unit: Int
    switch text[digits.endIndex...].lowercased() {
    case "", "b": unit = 1
    case "k", "kb", "kib": unit = 1 << 10
    case "m", "mb", "mib": unit = 1 << 20
    case "g", "gb", "gib": unit = 1 << 30
    default: return nil
    }
    let (bytes, overflow) = amount.multipliedReportingOverflow(by: unit)
    return overflow || bytes > 1 << 62 ? nil : bytes
  }
}
