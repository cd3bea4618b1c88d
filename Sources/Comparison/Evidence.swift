// SPDX-License-Identifier: Apache-2.0
/// How surely two samples differ, by one test.
public struct Evidence: Sendable, Equatable {
  /// The test.
  public enum Method: String, Sendable {
    case kolmogorovSmirnovExact = "kolmogorov_smirnov_exact"
    case kolmogorovSmirnovLimit = "kolmogorov_smirnov_limit"
    case chiSquared = "chi_squared"
    case fisher
    case wilcoxonExact = "wilcoxon_exact"
    case wilcoxonNormal = "wilcoxon_normal"
    case mcNemar = "mcnemar"

    /// Its name in a sentence.
    public var title: String {
      switch self {
      case .kolmogorovSmirnovExact, .kolmogorovSmirnovLimit: "Kolmogorov–Smirnov"
      case .chiSquared: "χ²"
      case .fisher: "Fisher"
      case .wilcoxonExact, .wilcoxonNormal: "Wilcoxon"
      case .mcNemar: "McNemar"
      }
    }
  }

  /// The test.
  public let method: Method
  /// Probability of a difference at least as large, if nothing differs.
  public let p: Double
  /// The same after Holm's correction for all tests of a comparison.
  public var pHolm: Double?
  /// The observed statistic over the one that would just be significant at `alpha`, squared: executions grow by its
  /// inverse until the same difference is significant.
  let strength: @Sendable (_ alpha: Double) -> Double

  init(_ method: Method, p: Double, strength: @escaping @Sendable (Double) -> Double) {
    self.method = method
    self.p = min(1, max(0, p))
    self.strength = strength
  }

  /// Two pieces of evidence are equal if their figures are.
  public static func == (left: Evidence, right: Evidence) -> Bool {
    left.method == right.method && left.p == right.p && left.pHolm == right.pHolm
  }

  /// Raises each probability by Holm's step-down rule, in the order given.
  static func holm(_ probabilities: [Double]) -> [Double] {
    let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
    var corrected = probabilities
    var largest = 0.0
    for (rank, index) in order.enumerated() {
      largest = max(largest, min(1, Double(probabilities.count - rank) * probabilities[index]))
      corrected[index] = largest
    }
    return corrected
  }
}
