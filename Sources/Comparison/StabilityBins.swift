// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Counts by the deciles of A, for the population stability index.
struct StabilityBins {
  private let edges: [Double]
  private var bin = 0
  private var countsA: [Int]
  private var countsB: [Int]

  init(_ reference: SampleSummary) {
    var edges: [Double] = []
    for percent in stride(from: 10, through: 90, by: 10) where edges.last != reference.percentile(percent) {
      edges.append(reference.percentile(percent))
    }
    self.edges = edges
    countsA = [Int](repeating: 0, count: edges.count + 1)
    countsB = countsA
  }

  /// Values come in ascending order; an edge belongs to the bin below it.
  mutating func add(_ value: Double, _ a: Int, _ b: Int) {
    while bin < edges.count, value > edges[bin] { bin += 1 }
    countsA[bin] += a
    countsB[bin] += b
  }

  var index: Double {
    let half = Double(countsA.count) / 2
    let n = Double(countsA.reduce(0, +)) + half
    let m = Double(countsB.reduce(0, +)) + half
    return zip(countsA, countsB).reduce(0) { sum, counts in
      let (p, q) = ((Double(counts.0) + 0.5) / n, (Double(counts.1) + 0.5) / m)
      return sum + (q - p) * log(q / p)
    }
  }
}
