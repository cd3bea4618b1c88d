// SPDX-License-Identifier: Apache-2.0
/// One metric in figures: quantiles as NumPy computes them by default (linear between two values), the standard deviation
/// with n − 1.
public struct MetricSummary: Sendable {
  /// Values, in the order of their executions.
  private let values: [Double]
  private let sorted: [Double]
  /// The mean; nil without values.
  public let mean: Double?
  /// The standard deviation; nil with fewer than two values.
  public let deviation: Double?

  /// The figures of some values.
  public init(_ values: [Double]) {
    self.values = values
    sorted = values.sorted()
    var (mean, squares) = (0.0, 0.0)
    for (index, value) in values.enumerated() {
      let difference = value - mean
      mean += difference / Double(index + 1)
      squares += difference * (value - mean)
    }
    self.mean = values.isEmpty ? nil : mean
    deviation = values.count < 2 ? nil : (squares / Double(values.count - 1)).squareRoot()
  }

  /// How many values there are.
  public var count: Int { values.count }
  /// The smallest value.
  public var minimum: Double? { sorted.first }
  /// The largest value.
  public var maximum: Double? { sorted.last }
  /// The 5 % quantile.
  public var p5: Double? { quantile(0.05) }
  /// The median.
  public var median: Double? { quantile(0.5) }
  /// The 95 % quantile.
  public var p95: Double? { quantile(0.95) }

  /// A quantile; nil without values.
  public func quantile(_ share: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return sorted.last }
    let part = position - Double(index)
    let (low, high) = (sorted[index], sorted[index + 1])
    // NumPy's interpolation: from the nearer end, so that both ends are met exactly.
    return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part)
  }

  /// The means of so many pieces of equal length, or all values if they are fewer.
  public func course(pieces: Int) -> [Double] {
    guard values.count > pieces, pieces > 0 else { return values }
    return (0..<pieces).map { piece in
      let part = values[piece * values.count / pieces..<(piece + 1) * values.count / pieces]
      return part.reduce(0) { $0 + $1 / Double(part.count) }
    }
  }
}
