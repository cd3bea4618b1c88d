// SPDX-License-Identifier: Apache-2.0
/// Verdicts need all metrics of a comparison: each test raises the evidence that the others need.
extension MetricComparison {
  /// Corrects the evidence for the number of tests and sets each verdict.
  public static func decide(_ metrics: inout [MetricComparison], settings: ComparisonSettings) {
    var probabilities: [Double] = []
    for metric in metrics {
      if let evidence = metric.evidence, !metric.isConstant { probabilities.append(evidence.p) }
      if let evidence = metric.rateEvidence, metric.isOnBothSides { probabilities.append(evidence.p) }
    }
    var corrected = Evidence.holm(probabilities)[...]
    let strictest = settings.alpha / Double(max(1, probabilities.count))
    for index in metrics.indices {
      if metrics[index].evidence != nil, !metrics[index].isConstant {
        metrics[index].evidence?.pHolm = corrected.removeFirst()
      }
      if metrics[index].rateEvidence != nil, metrics[index].isOnBothSides {
        metrics[index].rateEvidence?.pHolm = corrected.removeFirst()
      }
      metrics[index].decide(settings, strictest: strictest)
    }
  }

  private var isOnBothSides: Bool { a != nil && b != nil }

  private mutating func decide(_ settings: ComparisonSettings, strictest: Double) {
    guard isOnBothSides else {
      // A side without executions does not show that it lacks the metric.
      let isOpen = min(reported.a.executions, reported.b.executions) == 0
      verdict = isOpen ? .insufficient : a == nil ? .added : .removed
      return
    }
    // Pairs without any difference do not show how small a one they would have shown.
    let detectable = detectable(strictest).flatMap { $0 > 0 ? $0 : nil }
    effect?.detectable = detectable
    let judged = judge(settings.alpha)
    let rateChanged =
      abs(reported.shareA - reported.shareB) >= ComparisonSettings.largeEffect * (1 - 1e-12)
      && rateEvidence?.pHolm ?? 1 < settings.alpha
    verdict = rateChanged && judged != .drift ? .rateChanged : judged
    if verdict == .inconclusive, let strength = evidence?.strength(strictest), strength > 0 {
      // Conservative at small sizes: at least a tenth more.
      let needed = (size * max(1.1, 1 / strength)).rounded(.up)
      self.needed = needed < 1e15 ? Int(needed) : nil
    }
  }

  private func judge(_ alpha: Double) -> Verdict {
    guard let effect else { return .insufficient }
    if isConstant { return .constant }
    guard let p = evidence?.pHolm else { return .insufficient }
    return switch (effect.isLarge, p < alpha) {
    case (true, true): .drift
    case (true, false): .inconclusive
    case (false, true): .small
    case (false, false): .same
    }
  }

  /// The smallest effect that surely would have been significant.
  private func detectable(_ alpha: Double) -> Double? {
    guard let effect, let a, let b else { return nil }
    let size = KolmogorovSmirnov.effectiveSize(a.count, b.count)
    switch effect.measure {
    case .ks: return min(1, Distribution.kolmogorovQuantile(alpha) / size.squareRoot())
    case .totalVariation:
      // By Cauchy's inequality χ² is at least 4·TV²·nm/(n+m).
      let degrees = max(1, (distributions?.categories?.count ?? 2) - 1)
      return min(1, (Distribution.chiSquaredQuantile(alpha, degrees: degrees) / size).squareRoot() / 2)
    case .netChange:
      guard let pairs else { return nil }
      return min(
        1, Distribution.normalQuantile(twoSided: alpha) * (pairs.changedShare / Double(pairs.count)).squareRoot())
    case .meanShift:
      guard let pairs, let spread = pairs.deviation, let deviation = a.deviation, deviation > 0 else { return nil }
      return Distribution.normalQuantile(twoSided: alpha) * spread / Double(pairs.count).squareRoot() / deviation
    }
  }
}
