// SPDX-License-Identifier: Apache-2.0
/// A type whose values can be reported: every number of the standard library, and ``MetricValue``.
///
/// `Bool` and `String` are not among them, so the compiler refuses values that the supervisor would reject.
public protocol MetricNumber {
  /// The number as it is written on the line.
  var metricValue: MetricValue { get }
}

/// A number as it is written on the line, digit for digit.
public struct MetricValue: MetricNumber, Sendable, Hashable {
  let text: String
  let isNumber: Bool

  /// Any integer, however wide, with all its digits.
  public init(_ integer: some BinaryInteger) {
    text = String(integer)
    isNumber = true
  }

  /// A floating point number with the fewest digits that read back as the same value of its type.
  ///
  /// NaN and infinities are sent, and the supervisor rejects them by name.
  public init(_ number: some BinaryFloatingPoint & CustomStringConvertible) {
    text = ShortestText.of(number)
    isNumber = true
  }

  /// Decimal text as JSON writes a number, sent as written: `0.10` keeps its zero. Also `NaN`, `Infinity` and
  /// `-Infinity`. `report` refuses other text, with the name of the metric.
  public init(decimal text: String) {
    self.text = text
    isNumber = DecimalText.isNumber(text)
  }

  /// Itself.
  public var metricValue: MetricValue { self }
}

extension MetricValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  /// An integer literal.
  public init(integerLiteral value: Int) { self.init(value) }
  /// A literal with a fraction or an exponent.
  public init(floatLiteral value: Double) { self.init(value) }
}

extension MetricNumber where Self: BinaryInteger {
  /// All digits.
  public var metricValue: MetricValue { MetricValue(self) }
}

extension MetricNumber where Self: BinaryFloatingPoint & CustomStringConvertible {
  /// The fewest digits that read back.
  public var metricValue: MetricValue { MetricValue(self) }
}

extension Int: MetricNumber {}
extension Int8: MetricNumber {}
extension Int16: MetricNumber {}
extension Int32: MetricNumber {}
extension Int64: MetricNumber {}
extension UInt: MetricNumber {}
extension UInt8: MetricNumber {}
extension UInt16: MetricNumber {}
extension UInt32: MetricNumber {}
extension UInt64: MetricNumber {}
extension Double: MetricNumber {}
extension Float: MetricNumber {}
extension Int128: MetricNumber {}
extension UInt128: MetricNumber {}
extension Float16: MetricNumber {}
