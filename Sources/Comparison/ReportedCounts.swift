// SPDX-License-Identifier: Apache-2.0
/// How many executions reported a metric.
public struct ReportedCounts: Sendable {
  /// Executions of A, and those that reported it.
  public let a: (executions: Int, reporting: Int)
  /// The same for B.
  public let b: (executions: Int, reporting: Int)
  /// In pairs: those in which only one side reported it.
  public let onlyA: Int?
  /// The other way round.
  public let onlyB: Int?

  /// Counts of two sides.
  public init(
    a: (executions: Int, reporting: Int), b: (executions: Int, reporting: Int), onlyA: Int? = nil, onlyB: Int? = nil
  ) {
    (self.a, self.b, self.onlyA, self.onlyB) = (a, b, onlyA, onlyB)
  }

  /// Share of A's executions that reported it.
  public var shareA: Double { a.executions == 0 ? 0 : Double(a.reporting) / Double(a.executions) }
  /// Share of B's executions that reported it.
  public var shareB: Double { b.executions == 0 ? 0 : Double(b.reporting) / Double(b.executions) }

  /// Whether the shares differ by chance; nil if they are equal or too few executions are known.
  func evidence(_ settings: ComparisonSettings) -> Evidence? {
    guard min(a.executions, b.executions) >= settings.minimumSamples, shareA != shareB else { return nil }
    if let onlyA, let onlyB { return PairedTest.mcNemar(onlyB, onlyA) }
    return CategoryTest.evidence([
      Category(value: 1, a: a.reporting, b: b.reporting),
      Category(value: 0, a: a.executions - a.reporting, b: b.executions - b.reporting),
    ])
  }
}
