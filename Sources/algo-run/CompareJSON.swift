// SPDX-License-Identifier: Apache-2.0
internal import Comparison
internal import ExecutionFiles
internal import JSONText
internal import RunModel

/// A comparison as one object; docs/schemas/comparison.schema.json.
enum CompareJSON {
  static func object(_ result: CompareResult) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    for (name, side) in [("a", result.a), ("b", result.b)] {
      json.name(name)
      json.beginObject()
      json.member("source", side.label)
      if let version = side.version { json.member("version", version.description) }
      json.member("executions", integer: side.executions)
      json.endObject()
    }
    json.member("exit_status", integer: result.exitStatus)
    list("metrics", result.metrics, to: &json)
    list("shown_only", result.shown, to: &json)
    json.name("gates")
    json.beginArray()
    for judged in result.gates {
      json.beginObject()
      json.member("gate", judged.gate.description)
      json.member("outcome", judged.outcome.rawValue)
      json.number("a", judged.a)
      json.number("b", judged.b)
      json.endObject()
    }
    json.endArray()
    if let pairs = result.pairs {
      json.name("pairs")
      json.beginObject()
      json.member("count", integer: pairs.count)
      json.member("unmatched_a", integer: pairs.unmatchedA)
      json.member("unmatched_b", integer: pairs.unmatchedB)
      json.endObject()
    }
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  private static func list(_ name: String, _ metrics: [MetricComparison], to json: inout JSONWriter) {
    json.name(name)
    json.beginArray()
    for metric in metrics { write(metric, to: &json) }
    json.endArray()
  }

  private static func write(_ metric: MetricComparison, to json: inout JSONWriter) {
    json.beginObject()
    json.member("name", metric.name)
    if let verdict = metric.verdict { json.member("verdict", verdict.rawValue) }
    json.member("n_a", integer: metric.a?.count ?? 0)
    json.member("n_b", integer: metric.b?.count ?? 0)
    json.number("d", metric.distributions?.distance)
    json.number("p", metric.evidence?.p)
    json.number("p_holm", metric.evidence?.pHolm)
    json.number("wasserstein", metric.distributions?.wasserstein)
    json.number("wasserstein_sd", metric.scaledWasserstein)
    if let method = metric.evidence?.method { json.member("method", method.rawValue) }
    if let effect = metric.effect {
      json.member("effect_measure", effect.measure.rawValue)
      json.number("effect", effect.value)
      json.number("effect_threshold", ComparisonSettings.largeEffect)
      json.number("detectable_effect", effect.detectable)
    }
    if let needed = metric.needed { json.member("needed", integer: needed) }
    json.number("ks_p", metric.ksProbability)
    json.number("total_variation", metric.distributions?.totalVariation)
    json.number("psi", metric.distributions?.stabilityIndex)
    json.number("share_a", metric.reported.shareA)
    json.number("share_b", metric.reported.shareB)
    json.number("share_p", metric.rateEvidence?.p)
    json.number("share_p_holm", metric.rateEvidence?.pHolm)
    write(metric.a, "a", to: &json)
    write(metric.b, "b", to: &json)
    json.number("mean_difference", metric.welch?.difference)
    json.number("mean_difference_low", metric.welch?.interval.lowerBound)
    json.number("mean_difference_high", metric.welch?.interval.upperBound)
    if let pairs = metric.pairs {
      json.member("pairs", integer: pairs.count)
      json.number("changed_share", pairs.changedShare)
      json.number("pair_mean_difference", pairs.meanDifference)
      json.number("pair_median_difference", pairs.medianDifference)
      json.number("pair_median_difference_low", pairs.medianInterval?.lowerBound)
      json.number("pair_median_difference_high", pairs.medianInterval?.upperBound)
    }
    if metric.verdict != nil { json.member("explanation", metric.explanation) }
    json.endObject()
  }

  private static func write(_ summary: SampleSummary?, _ side: String, to json: inout JSONWriter) {
    guard let summary else { return }
    json.number("mean_\(side)", summary.mean)
    json.number("sd_\(side)", summary.deviation)
    json.number("min_\(side)", summary.minimum)
    json.number("p50_\(side)", summary.percentile(50))
    json.number("p95_\(side)", summary.percentile(95))
    json.number("max_\(side)", summary.maximum)
  }
}

extension JSONWriter {
  /// A number in full precision; nothing if there is none, or if JSON has no such number.
  fileprivate mutating func number(_ name: String, _ value: Double?) {
    if let value, value.isFinite { member(name, number: "\(value)") }
  }
}
