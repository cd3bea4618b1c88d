// SPDX-License-Identifier: Apache-2.0
/// One metric in figures: quantiles as NumPy computes them by default (linear between two values), the standard
/// deviation with n − 1.
public struct MetricSummary: Sendable {
  /// How many values there are.
  public let count: Int
  /// The mean; nil without values.
  public let mean: Double?
  /// The standard deviation; nil with fewer than two values.
  public let deviation: Double?
  /// The smallest value.
  public let minimum: Double?
  /// The 5 % quantile.
  public let p5: Double?
  /// The median.
  public let median: Double?
  /// The 95 % quantile.
  public let p95: Double?
  /// The largest value.
  public let maximum: Double?
  /// The means of ``pieces`` pieces of equal length, or all values if they are fewer.
  public let course: [Double]
  /// Pieces of a course.
  public static let pieces = 24

  /// The figures of some values, which are in the order of their executions. It keeps none of them.
  public init(_ values: [Double]) {
    let sorted = values.sorted()
    (count, minimum, maximum) = (values.count, sorted.first, sorted.last)
    p5 = Self.quantile(0.05, of: sorted)
    median = Self.quantile(0.5, of: sorted)
    p95 = Self.quantile(0.95, of: sorted)
    course = Self.course(of: values, pieces: Self.pieces)
    var (mean, squares) = (0.0, 0.0)
    for (index, value) in values.enumerated() {
      let difference = value - mean
      mean += difference / Double(index + 1)
      squares += difference * (value - mean)
    }
    self.mean = values.isEmpty ? nil : mean
    deviation = values.count < 2 ? nil : (squares / Double(values.count - 1)).squareRoot()
  }

  private static func quantile(_ share: Double, of sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return sorted.last }
    let part = position - Double(index)
    let (low, high) = (sorted[index], sorted[index + 1])
    // NumPy's interpolation: from the nearer end, so that both ends are met exactly.
    return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part)
  }

  /// The means of that many pieces of equal length, or all values if they are fewer.
  public static func course(of values: [Double], pieces: Int) -> [Double] {
    guard values.count > pieces, pieces > 0 else { return values }
    return (0..<pieces).map { piece in
      let part = values[piece * values.count / pieces..<(piece + 1) * values.count / pieces]
      return part.reduce(0) { $0 + $1 / Double(part.count) }
    }
  }
}
