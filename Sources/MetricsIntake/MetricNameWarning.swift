// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Problems outside algo-run with the name of an accepted metric.
public enum MetricNameWarning: Sendable, Equatable, CustomStringConvertible {
  /// Another payload format has an operational member of that name, and rejects the metric.
  case reserved(by: PayloadFormat)
  /// Some stores of metrics have no such names, because of a character or a digit at the beginning.
  case notPortable

  /// The warnings about a name that was accepted with a payload format.
  public static func all(about name: String, in format: PayloadFormat) -> [MetricNameWarning] {
    var warnings = PayloadFormat.allCases.filter { $0 != format && $0.furtherMembers.contains(name) }
      .map { MetricNameWarning.reserved(by: $0) }
    if !isPortable(name) { warnings.append(.notPortable) }
    return warnings
  }

  /// The fact, to be read after the name.
  public var description: String {
    switch self {
    case .reserved(let format): "is rejected with --payload-format \(format.rawValue), which has a member of that name"
    case .notPortable:
      "cannot be stored everywhere: use only ASCII letters, digits and _ . : -, and a letter or _ at the beginning"
    }
  }

  /// `[A-Za-z_][A-Za-z0-9_.:-]*`
  private static func isPortable(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLetter(first) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "-"): true
      default: isLetter(byte)
      }
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
    default: false
    }
  }
}
