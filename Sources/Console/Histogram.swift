// SPDX-License-Identifier: Apache-2.0
internal import Comparison

/// Both distributions of a metric: shares of the executions of A as filled bars, of B as an outline.
enum Histogram {
  /// An interval of values, or one value, with its share of each side.
  struct Bar {
    let low: Double
    let high: Double
    let name: String
    let a: Double
    let b: Double
  }

  private static let (width, height) = (1040.0, 200.0)
  private static let (left, right, top, bottom) = (64.0, 12.0, 8.0, 40.0)

  /// The bars of a metric, in ascending order; none if a side has no values.
  static func bars(_ metric: MetricComparison) -> [Bar] {
    guard let pair = metric.distributions, let a = metric.a?.count, let b = metric.b?.count else { return [] }
    func share(_ count: Int, of total: Int) -> Double { 100 * Double(count) / Double(total) }
    if let categories = pair.categories {
      return categories.enumerated().map { place, category in
        Bar(
          low: Double(place), high: Double(place + 1), name: FigureText.short(category.value),
          a: share(category.a, of: a), b: share(category.b, of: b))
      }
    }
    let (low, step) = (
      pair.range.lowerBound, (pair.range.upperBound - pair.range.lowerBound) / Double(DistributionPair.bars)
    )
    return zip(pair.histogramA, pair.histogramB).enumerated().map { place, counts in
      let (from, to) = (low + Double(place) * step, low + Double(place + 1) * step)
      return Bar(
        low: from, high: to, name: "\(FigureText.short(from)) to \(FigureText.short(to))", a: share(counts.0, of: a),
        b: share(counts.1, of: b))
    }
  }

  /// - Parameters:
  ///   - isCategories: whether each bar is one value, which stands below it.
  ///   - sides: how A and B are called.
  static func draw(_ name: String, _ bars: [Bar], isCategories: Bool, sides: (a: String, b: String)) -> HTML {
    guard let first = bars.first, let last = bars.last, last.high > first.low, (last.high - first.low).isFinite else {
      return .none
    }
    let y = Axis(values: 0, bars.map { max($0.a, $0.b) }.max() ?? 0, count: 4)
    func across(_ value: Double) -> Double {
      left + (width - left - right) * (value - first.low) / (last.high - first.low)
    }
    func down(_ share: Double) -> Double { height - bottom - (height - top - bottom) * y.place(share) }
    let ground = height - bottom
    var drawing = HTML.none
    for tick in y.ticks {
      let place = HTML.decimal(down(tick), 1)
      drawing += """
        <line class="grid-line" x1="64" x2="1028" y1="\(place)" y2="\(place)"/><text x="56" y="\(place)" dy="4" text-anchor="end">\(y.text(tick)) %</text>
        """
    }
    if isCategories {
      for bar in bars {
        drawing += """
          <text x="\(HTML.decimal(across((bar.low + bar.high) / 2), 1))" y="180" text-anchor="middle">\(bar.name)</text>
          """
      }
    } else {
      let x = Axis(values: first.low, last.high)
      for tick in x.ticks where tick >= first.low && tick <= last.high {
        let place = HTML.decimal(across(tick), 1)
        drawing += """
          <line class="axis" x1="\(place)" x2="\(place)" y1="160" y2="165"/><text x="\(place)" y="180" text-anchor="middle">\(x.text(tick))</text>
          """
      }
    }
    var (filled, outline, marks) = (HTML.none, "", HTML.none)
    for bar in bars {
      // Bars of single values stand apart; those of intervals touch.
      let slot = (from: across(bar.low), to: across(bar.high))
      let gap = isCategories ? max((slot.to - slot.from) * 0.2, (slot.to - slot.from - 160) / 2) : 0
      let (from, to) = (slot.from + gap, slot.to - gap)
      let (start, end) = (HTML.decimal(from, 1), HTML.decimal(to, 1))
      if bar.a > 0 {
        filled += """
          <rect class="p0" x="\(start)" y="\(HTML.decimal(down(bar.a), 1))" width="\(HTML.decimal(max(1, to - from - 1), 1))" height="\(HTML.decimal(ground - down(bar.a), 1))"/>
          """
      }
      let base = HTML.decimal(ground, 1)
      let rise = "\(start) \(HTML.decimal(down(bar.b), 1)) \(end) \(HTML.decimal(down(bar.b), 1)) "
      outline += isCategories ? "M\(start) \(base)L\(rise)\(end) \(base)" : "\(outline.isEmpty ? "M" : "L")\(rise)"
      let shares = "\(sides.a): \(FigureText.short(bar.a)) %\n\(sides.b): \(FigureText.short(bar.b)) %"
      marks += """
        <rect class="mark hit" x="\(HTML.decimal(slot.from, 1))" y="8" width="\(HTML.decimal(slot.to - slot.from, 1))" height="152"><title>\(bar.name)\n\(shares)</title></rect>
        """
    }
    return """
      <figure class="plot" tabindex="0" aria-label="Distributions of \(name)"><svg viewBox="0 0 1040 200" role="img" aria-label="\(name): shares of values of \(sides.a) and \(sides.b)">\(drawing)
      <g class="bars">\(filled)</g><path class="outline p1" d="\(outline)"/><line class="axis" x1="64" x2="1028" y1="160" y2="160"/>
      <text x="1028" y="196" text-anchor="end">Value, and its share of the executions that reported it</text>\(marks)</svg></figure>
      """
  }
}
