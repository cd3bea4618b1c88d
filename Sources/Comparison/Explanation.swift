// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// A verdict in one sentence, with its figures.
extension MetricComparison {
  /// One sentence; empty before the verdict.
  public var explanation: String {
    switch verdict {
    case nil: return ""
    case .added: return "only B reports it, in \(FigureText.percent(reported.shareB)) of its executions."
    case .removed: return "only A reported it, in \(FigureText.percent(reported.shareA)) of its executions."
    case .constant: return "always \(FigureText.short(a?.minimum ?? 0)) on both sides (\(counts))."
    case .insufficient where effect == nil: return "\(counts) are too few for a verdict."
    case .insufficient: return "the values are too rare in all but one category for a verdict (\(counts))."
    case .rateChanged:
      let p = FigureText.probability(rateEvidence?.pHolm ?? 1)
      return "\(FigureText.percent(reported.shareA)) of A's executions report it and "
        + "\(FigureText.percent(reported.shareB)) of B's (\(rateEvidence?.method.title ?? ""), p \(p))."
    case .drift: return "\(effectText); \(movement); chance alone does this with p \(p) (\(method), \(counts))."
    case .small:
      return "a real difference (p \(p), \(method)), but a negligible one: \(effectText); \(movement) (\(counts))."
    case .inconclusive:
      let more =
        needed.map { "; about \(HumanFormat.grouped($0)) \(pairs == nil ? "values a side" : "pairs") would settle it" }
        ?? ""
      return "\(effectText), but this may be chance (p \(p), \(method), \(counts))\(more)."
    case .same:
      let seen =
        effect?.detectable.map {
          "; \($0 < 1 || pairs != nil ? "a \(measure) of \(FigureText.short($0)) or more would have been seen" : "no difference could have been seen")"
        } ?? ""
      return "no difference beyond chance: \(effectText) (p \(p), \(method), \(counts))\(seen)."
    }
  }

  private var p: String { FigureText.probability(evidence?.pHolm ?? 1) }
  private var method: String { evidence?.method.title ?? "" }

  private var counts: String {
    if let pairs { return HumanFormat.counted(pairs.count, "pair") }
    return "\(HumanFormat.grouped(a?.count ?? 0)) and \(HumanFormat.grouped(b?.count ?? 0)) values"
  }

  private var measure: String {
    switch effect?.measure {
    case .ks: "D"
    case .totalVariation: "total variation"
    case .meanShift: "mean shift in standard deviations"
    case .netChange: "net change"
    case nil: ""
    }
  }

  private var effectText: String {
    guard let effect else { return "" }
    let value = FigureText.short(effect.value)
    return switch effect.measure {
    case .ks: "the distributions are D = \(value) apart"
    case .totalVariation: "\(FigureText.percent(effect.value)) of the values fall into other categories"
    case .meanShift:
      effect.value.isFinite
        ? "the mean of the differences is \(value) standard deviations of A"
        : "the values differ, and those of A never did"
    case .netChange: "a net \(FigureText.percent(effect.value)) of the pairs changed"
    }
  }

  private var movement: String {
    if let pairs {
      return
        "\(FigureText.percent(pairs.changedShare)) of the values changed, by \(FigureText.signed(pairs.medianDifference)) "
        + "in the median"
    }
    guard let a, let b else { return "" }
    guard let welch, let scale = a.deviation, scale > 0 else {
      return "the mean moved from \(FigureText.short(a.mean)) to \(FigureText.short(b.mean))"
    }
    return "the mean moved from \(FigureText.short(a.mean)) to \(FigureText.short(b.mean)), "
      + "\(FigureText.signed(welch.difference / scale)) standard deviations of A"
  }
}
