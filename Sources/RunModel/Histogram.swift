// SPDX-License-Identifier: Apache-2.0
/// Times in seconds, counted by their size, as Prometheus takes them.
public struct Histogram: Sendable, Equatable {
  /// Upper bounds of the buckets, ascending; one more bucket takes the rest.
  public let bounds: [Double]
  /// Times in each bucket, those of smaller buckets not included; the last one is the rest.
  public private(set) var counts: [Int]
  /// The sum of all times, in seconds.
  public private(set) var sum = 0.0

  /// An empty histogram.
  public init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  /// Counts one time.
  public mutating func add(_ time: Duration) {
    let seconds = Double(time.wholeMicroseconds) / 1_000_000
    counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
    sum += seconds
  }

  /// Adds the times of another histogram with the same bounds.
  public mutating func add(_ other: Histogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    sum += other.sum
  }

  /// From milliseconds to minutes: executions and deliveries.
  public static let long = Histogram([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300])
  /// From milliseconds to seconds, with the bounds that OpenTelemetry recommends: HTTP requests.
  public static let short = Histogram([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
}
