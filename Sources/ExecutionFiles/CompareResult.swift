// SPDX-License-Identifier: Apache-2.0
public import Comparison
public import Platform

/// A finished comparison.
public struct CompareResult {
  /// The treatment of a metric that only one side reports.
  public enum Reaction: String, CaseIterable, Sendable {
    /// Nothing.
    case ignore
    /// The user is warned.
    case warn
    /// It fails the comparison.
    case fail
  }

  /// The basis of the exit status.
  public struct Rules {
    /// The limits of a difference.
    public var settings = ComparisonSettings()
    /// Limits of figures.
    public var gates: [Gate] = []
    /// Metrics that are left out.
    public var ignored: Set<String> = []
    /// If only B reports a metric.
    public var onAdded = Reaction.warn
    /// If only A reports a metric.
    public var onRemoved = Reaction.warn
    /// The status if nothing could be judged.
    public var statusIfUnknown: Int32 = 3

    /// The rules without gates.
    public init() {}
  }

  /// One gate and its outcome.
  public struct Judged {
    /// The gate.
    public let gate: Gate
    /// Whether it is kept.
    public let outcome: Gate.Outcome
    /// The figure of A.
    public let a: Double?
    /// The figure of B.
    public let b: Double?
  }

  /// The known good version.
  public let a: CompareSide
  /// The version in question.
  public let b: CompareSide
  /// Nil unless executions are compared input by input.
  public let pairs: ExecutionPairs?
  /// The basis of the exit status.
  public let rules: Rules
  /// The judged metrics, in the order A and then B reported them.
  public let metrics: [MetricComparison]
  /// Figures of the supervisor.
  public let shown: [MetricComparison]
  /// The gates with their outcomes.
  public let gates: [Judged]

  /// - Parameter isPaired: nil for the default: if both sides were asked the same inputs.
  /// - Throws: the errno of reading or writing a temporary file.
  public init(_ a: CompareSide, _ b: CompareSide, isPaired: Bool?, rules: Rules) throws(SystemError) {
    var pairs: ExecutionPairs?
    if isPaired ?? (a.columns.canBePaired && b.columns.canBePaired) {
      let found = ExecutionPairs(a.columns, b.columns)
      if isPaired == true || found.coverSameInputs { pairs = found }
    }
    func compare(_ column: ColumnName, _ name: String) throws(SystemError) -> MetricComparison {
      let settings = rules.settings
      if let pairs {
        let values = try pairs.values(column, a.columns, b.columns)
        let both = values.a.count
        if both > 0 || values.onlyA + values.onlyB == 0 {
          let reported = ReportedCounts(
            a: (pairs.count, both + values.onlyA), b: (pairs.count, both + values.onlyB), onlyA: values.onlyA,
            onlyB: values.onlyB)
          return MetricComparison(
            name: name, pairedA: values.a, pairedB: values.b, reported: reported, settings: settings)
        }
      }
      let (sortedA, sortedB) = (try a.columns.sorted(column), try b.columns.sorted(column))
      let reported = ReportedCounts(
        a: (a.columns.executions, sortedA.count), b: (b.columns.executions, sortedB.count))
      return MetricComparison(name: name, sortedA, sortedB, reported: reported, settings: settings)
    }
    let known = Set(a.columns.metrics)
    var metrics: [MetricComparison] = []
    for name in a.columns.metrics + b.columns.metrics.filter({ !known.contains($0) })
    where !rules.ignored.contains(name) {
      metrics.append(try compare(.metric(name), name))
    }
    MetricComparison.decide(&metrics, settings: rules.settings)
    var shown: [MetricComparison] = []
    for (place, name) in ExecutionColumns.supervisorFigures.enumerated()
    where a.columns.count(of: .supervisor(place)) > 0 && b.columns.count(of: .supervisor(place)) > 0 {
      shown.append(try compare(.supervisor(place), name))
    }
    let figures = shown
    let judged = metrics
    gates = rules.gates.map { gate in
      let metric =
        (gate.name.hasPrefix("@") ? figures.first { $0.name == gate.name } : nil)
        ?? judged.first { $0.name == gate.name }
      let (outcome, a, b) = gate.judge(metric)
      return Judged(gate: gate, outcome: outcome, a: a, b: b)
    }
    (self.a, self.b, self.pairs, self.rules, self.metrics, self.shown) = (a, b, pairs, rules, metrics, shown)
  }

  private func reaction(to metric: MetricComparison) -> Reaction? {
    switch metric.verdict {
    case .added: rules.onAdded
    case .removed: rules.onRemoved
    default: nil
    }
  }

  /// The side that has no executions, so that there is nothing to list.
  public var emptySide: (name: String, side: CompareSide)? {
    [("A", a), ("B", b)].first { $0.1.columns.executions == 0 }.map { (name: $0.0, side: $0.1) }
  }

  /// Metrics that only one side reports and about which the user is warned.
  public var warned: [MetricComparison] { metrics.filter { reaction(to: $0) == .warn } }

  /// Metrics that B's release should not have.
  public var failing: [MetricComparison] { metrics.filter { $0.verdict?.isDrift == true || reaction(to: $0) == .fail } }

  /// Gates that are not kept.
  public var broken: [Judged] { gates.filter { $0.outcome == .broken } }

  /// Whether anything could be judged.
  public var isJudged: Bool {
    metrics.contains { $0.verdict?.isJudged == true } || gates.contains { $0.outcome != .unknown }
  }

  /// 0 nothing found, 1 drift or a broken gate, 3 nothing could be judged.
  public var exitStatus: Int32 {
    if !failing.isEmpty || !broken.isEmpty { return 1 }
    return isJudged ? 0 : rules.statusIfUnknown
  }

  /// The result in one sentence.
  public var sentence: String {
    var parts: [String] = []
    let drifting = metrics.count { $0.verdict?.isDrift == true }
    if drifting > 0 { parts.append("\(drifting) of \(metrics.count) metrics drifted") }
    let others = failing.count - drifting
    if others > 0 { parts.append("\(others) metric\(others == 1 ? " is" : "s are") on one side only") }
    if !broken.isEmpty { parts.append("\(broken.count) of \(gates.count) gates are broken") }
    if !parts.isEmpty { return parts.joined(separator: "; ") + "." }
    if let empty = emptySide, !isJudged {
      return "Nothing could be judged: \(empty.name) \(empty.side.absence)."
    }
    guard isJudged else {
      return "Nothing could be judged: "
        + (pairs?.count == 0 ? "the two sides have no input in common." : "there are too few executions.")
    }
    let open = metrics.count { $0.verdict == .inconclusive || $0.verdict == .insufficient }
    return "No drift was found in \(metrics.count - open) of \(metrics.count) metrics"
      + (open == 0 ? "." : "; \(open) could not be judged.")
  }
}
