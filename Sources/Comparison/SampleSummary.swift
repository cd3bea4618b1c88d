// SPDX-License-Identifier: Apache-2.0
/// The figures of one sample.
public struct SampleSummary: Sendable {
  /// Values.
  public let count: Int
  /// Their mean, exact to rounding.
  public let mean: Double
  /// Standard deviation with n − 1; nil for a single value.
  public let deviation: Double?
  /// The smallest value.
  public let minimum: Double
  /// The largest value.
  public let maximum: Double
  private let percentiles: [Double]

  /// Reads `sample` twice; nil if it is empty.
  public init?(_ sample: some SortedSample) {
    let n = sample.count
    var cursor = sample.makeCursor()
    guard n > 0, let first = cursor.next() else { return nil }
    var sum = CompensatedSum()
    var percentiles: [Double] = []
    percentiles.reserveCapacity(99)
    var (value, index) = (first, 0)
    var previous = first
    while true {
      // Dividing each value, not the sum, keeps 1e308 from overflowing.
      sum.add(value / Double(n))
      while percentiles.count < 99 {
        let place = Double((n - 1) * (percentiles.count + 1)) / 100
        guard Int(place.rounded(.up)) <= index else { break }
        percentiles.append(
          place == place.rounded() ? value : Self.between(previous, value, place - place.rounded(.down)))
      }
      previous = value
      guard let next = cursor.next() else { break }
      (value, index) = (next, index + 1)
    }
    count = n
    minimum = first
    maximum = value
    mean = min(max(sum.value, minimum), maximum)
    self.percentiles = percentiles
    deviation = n < 2 ? nil : Self.deviation(sample, mean: mean, span: max(maximum - mean, mean - minimum))
  }

  /// The quantile of `percent` hundredths, interpolated linearly as numpy does by default.
  public func percentile(_ percent: Int) -> Double { percentiles[percent - 1] }

  private static func between(_ low: Double, _ high: Double, _ part: Double) -> Double {
    let difference = high - low
    guard difference.isFinite else { return low * (1 - part) + high * part }
    return part < 0.5 ? low + difference * part : high - difference * (1 - part)
  }

  private static func deviation(_ sample: some SortedSample, mean: Double, span: Double) -> Double? {
    guard span > 0 else { return 0 }
    // Squares of very large and very small values need another unit.
    let unit = span > 1e150 || span < 1e-150 ? span : 1
    var squares = CompensatedSum()
    var cursor = sample.makeCursor()
    while let value = cursor.next() {
      let distance = (value - mean) / unit
      squares.add(distance * distance)
    }
    let deviation = (squares.value / Double(sample.count - 1)).squareRoot() * unit
    return deviation.isFinite ? deviation : nil
  }
}
