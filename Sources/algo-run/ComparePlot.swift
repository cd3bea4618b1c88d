// SPDX-License-Identifier: Apache-2.0
internal import Comparison

/// Both distributions of a metric in a few lines of characters.
struct ComparePlot {
  /// Characters of rising height, the empty one first.
  private let heights: [String]
  private let block: String

  init(isASCII: Bool) {
    heights = isASCII ? [" ", ".", ":", "-", "=", "+", "*", "#"] : [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    block = isASCII ? "#" : "█"
  }

  /// A line each for A and B: shares of categories, or a histogram. Nothing if a side has no values.
  func lines(_ metric: MetricComparison) -> String {
    guard let distributions = metric.distributions, let a = metric.a, let b = metric.b else { return "" }
    if let categories = distributions.categories { return bars(categories, a.count, b.count) }
    let range = distributions.range
    let sides = [("A", distributions.histogramA, a.count), ("B", distributions.histogramB, b.count)]
    let highest = sides.map { Double($0.1.max() ?? 0) / Double($0.2) }.max() ?? 1
    let pictures = sides.map { name, counts, total in
      "    \(name) |"
        + counts.map { count in
          // A value that is there is seen, however rare.
          let share = Double(count) / Double(total) / highest * Double(heights.count - 1)
          return heights[count == 0 ? 0 : max(1, Int(share.rounded()))]
        }.joined() + "|\n"
    }
    let (low, high) = (FigureText.short(range.lowerBound), FigureText.short(range.upperBound))
    let gap = max(1, DistributionPair.bars - low.count - high.count + 2)
    return pictures.joined() + "      \(low)" + String(repeating: " ", count: gap) + "\(high)\n"
  }

  private func bars(_ categories: [Category], _ n: Int, _ m: Int) -> String {
    let names = categories.map { FigureText.short($0.value) }
    let width = names.map(\.count).max() ?? 0
    return zip(categories, names).map { category, name in
      let indent = String(repeating: " ", count: width - name.count + 4)
      return indent + name + bar("A", category.a, n) + bar("B", category.b, m) + "\n"
    }.joined()
  }

  private func bar(_ side: String, _ count: Int, _ total: Int) -> String {
    let share = Double(count) / Double(total)
    let length = count == 0 ? 0 : max(1, Int((share * 20).rounded()))
    let picture = String(repeating: block, count: length) + String(repeating: " ", count: 20 - length)
    let percent = FigureText.percent(share)
    return "  \(side) |\(picture)| \(percent)"
      + String(repeating: " ", count: max(0, side == "A" ? 6 - percent.count : 0))
  }
}
