// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Multinomial logistic regression over standardised measurements; fitted by `train-wine-cultivar`.
package struct CultivarModel: Sendable {
  /// The range of one feature in training; the reference against which drift is reported.
  package struct Range: Sendable {
    package let mean, deviation, low, high: Double

    package init(mean: Double, deviation: Double, low: Double, high: Double) {
      (self.mean, self.deviation, self.low, self.high) = (mean, deviation, low, high)
    }
  }

  package let ranges: [Range]
  /// For each cultivar the weight of each feature, and the constant last.
  package var weights: [[Double]]

  package init(ranges: [Range], weights: [[Double]]) {
    (self.ranges, self.weights) = (ranges, weights)
  }

  /// The probability of each cultivar; they sum to 1.
  package func probabilities(of wine: Wine) -> [Double] {
    let features = standardised(wine) + [1]
    let scores = weights.map { row in zip(row, features).reduce(0) { $0 + $1.0 * $1.1 } }
    let best = scores.max() ?? 0  // subtracted before exp, or a far-off wine overflows
    let shares = scores.map { exp($0 - best) }
    let total = shares.reduce(0, +)
    return shares.map { $0 / total }
  }

  /// Each measurement's distance from the mean of training, in standard deviations, with its sign.
  package func standardised(_ wine: Wine) -> [Double] {
    zip(wine.measurements, ranges).map { ($0 - $1.mean) / $1.deviation }
  }

  /// How many measurements are below the least or above the greatest value seen in training.
  package func featuresOutOfRange(_ wine: Wine) -> Int {
    zip(wine.measurements, ranges).count { $0 < $1.low || $0 > $1.high }
  }
}

extension [Double] {
  /// The position of the greatest element; 0 when there is none.
  package var indexOfGreatest: Int { indices.max { self[$0] < self[$1] } ?? 0 }
}
