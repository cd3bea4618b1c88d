// SPDX-License-Identifier: Apache-2.0
/// A line of values in the height of a text, with its last value as a dot.
enum Sparkline {
  private static let (width, height) = (120.0, 28.0)

  /// Values in their order; drawn from one on.
  static func draw(_ values: [Double]) -> HTML {
    let low = min(0, values.min() ?? 0)
    let high = max(values.max() ?? 0, low + .leastNonzeroMagnitude)
    let points = values.enumerated().map { index, value in
      let x = values.count < 2 ? width - 3 : 3 + (width - 6) * Double(index) / Double(values.count - 1)
      let y = height - 3 - (height - 6) * ((value - low) / (high - low))
      return (x: HTML.decimal(x, 1), y: HTML.decimal(y, 1))
    }
    guard let last = points.last, let value = values.last else { return .none }
    let line = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
    let label = "\(values.count) durations, the last \(HTML.duration(milliseconds: value))"
    return """
      <svg class="sparkline" width="120" height="28" viewBox="0 0 120 28" role="img" aria-label="\(label)">
      <polyline points="\(line)" /><circle cx="\(last.x)" cy="\(last.y)" r="2.5"><title>\(label)</title></circle></svg>
      """
  }
}
