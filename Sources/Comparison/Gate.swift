// SPDX-License-Identifier: Apache-2.0
/// A limit that a comparison must keep: `risk_score:ks<0.15`, `approved:mean+-0.05`, `@duration:p95<+20%`.
public struct Gate: Sendable, CustomStringConvertible {
  /// Whether a gate is kept.
  public enum Outcome: String, Sendable {
    case kept, broken
    /// A side has no such figure.
    case unknown
  }

  enum Figure: Equatable {
    case ks, p, wasserstein, psi, totalVariation
    case mean, deviation, minimum, maximum, share
    case percentile(Int)

    /// Whether it compares both sides by itself.
    var isDistance: Bool {
      switch self {
      case .ks, .p, .wasserstein, .psi, .totalVariation: true
      default: false
      }
    }
  }

  enum Relation { case below, above, within }

  /// The metric, or a figure of the supervisor such as `@duration`.
  public let name: String
  /// As it was written.
  public let description: String
  let figure: Figure
  let relation: Relation
  let amount: Double
  /// Whether `amount` is a change against A.
  let isChange: Bool
  /// Whether that change is a share of A's figure.
  let isShare: Bool

  /// Half a sentence about the form of a gate.
  public static let expected =
    "NAME:FIGURE<LIMIT with FIGURE one of ks, p, wasserstein, psi, tv, mean, sd, min, max, share, p1 to p99; limits of "
    + "the last seven may be changes against A: <+20%, >-5%, +-0.05"

  /// Nil if `text` is none. The name ends at the last colon.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else { return nil }
    name = String(text[..<colon])
    description = text
    let rest = text[text.index(after: colon)...]
    guard let end = rest.firstIndex(where: { "<>+".contains($0) }),
      let figure = Self.figure(rest[..<end])
    else { return nil }
    self.figure = figure
    var limit = rest[end...]
    if limit.hasPrefix("+-") {
      relation = .within
      limit = limit.dropFirst(2)
    } else if let first = limit.first, first != "+" {
      relation = first == "<" ? .below : .above
      limit = limit.dropFirst()
    } else {
      return nil
    }
    let hasSign = limit.first == "+" || limit.first == "-"
    isShare = limit.last == "%"
    // `<-5%` is a fall by 5 %; a plain `<-5` is the value itself, since figures may be negative.
    isChange = relation == .within || limit.first == "+" || isShare && hasSign
    guard let amount = Double(isShare ? limit.dropLast() : limit), amount.isFinite, isChange || !isShare,
      relation != .within || amount >= 0 && !hasSign, !figure.isDistance || !isChange
    else { return nil }
    self.amount = isShare ? amount / 100 : amount
  }

  private static func figure(_ text: some StringProtocol) -> Figure? {
    switch text {
    case "ks": return .ks
    case "p": return .p
    case "wasserstein": return .wasserstein
    case "psi": return .psi
    case "tv": return .totalVariation
    case "mean": return .mean
    case "sd": return .deviation
    case "min": return .minimum
    case "max": return .maximum
    case "share": return .share
    default:
      guard text.first == "p", let percent = Int(text.dropFirst()), (1...99).contains(percent) else { return nil }
      return .percentile(percent)
    }
  }

  /// Judges the observed figures, without regard to chance.
  ///
  /// - Returns: the outcome and the figures of A and B; a distance has one, as B's.
  public func judge(_ metric: MetricComparison?) -> (outcome: Outcome, a: Double?, b: Double?) {
    guard let metric else { return (.unknown, nil, nil) }
    let (a, b) = figures(of: metric)
    guard let b, !isChange || a != nil else { return (.unknown, a, b) }
    let change = isShare ? abs(a ?? 0) * amount : amount
    let (difference, rounding) = (b - (a ?? 0), abs(change) * 1e-12)
    let isKept =
      switch (relation, isChange) {
      case (.below, false): b < amount
      case (.above, false): b > amount
      // At most so much: no difference keeps a limit of 20 % above 0.
      case (.below, true): difference <= change + rounding
      case (.above, true): difference >= change - rounding
      case (.within, _): abs(difference) <= change + rounding
      }
    return (isKept ? .kept : .broken, a, b)
  }

  private func figures(of metric: MetricComparison) -> (Double?, Double?) {
    switch figure {
    case .ks: (nil, metric.distributions?.distance)
    case .p: (nil, metric.evidence?.p ?? metric.ksProbability)
    case .wasserstein: (nil, metric.scaledWasserstein)
    case .psi: (nil, metric.distributions?.stabilityIndex)
    case .totalVariation: (nil, metric.distributions?.totalVariation)
    case .mean: (metric.a?.mean, metric.b?.mean)
    case .deviation: (metric.a?.deviation, metric.b?.deviation)
    case .minimum: (metric.a?.minimum, metric.b?.minimum)
    case .maximum: (metric.a?.maximum, metric.b?.maximum)
    case .share: (metric.reported.shareA, metric.reported.shareB)
    case .percentile(let percent): (metric.a?.percentile(percent), metric.b?.percentile(percent))
    }
  }
}
