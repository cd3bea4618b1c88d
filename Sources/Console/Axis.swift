// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// One axis of a plot: round ticks over a range.
struct Axis {
  let low: Double
  let high: Double
  let ticks: [Double]

  /// Round numbers from below the least value to above the greatest.
  init(values low: Double, _ high: Double, count: Int = 5) {
    var (low, high) = (low, high)
    if !(high > low) {
      let margin = abs(low) > 0 ? abs(low) * 0.1 : 1
      (low, high) = (low - margin, high + margin)
    }
    let step = Self.round((high - low) / Double(count))
    guard step > 0, step.isFinite, (high - low) / step < 100 else {
      (self.low, self.high, ticks) = (low, high, [low, high])
      return
    }
    let first = (low / step).rounded(.down)
    let last = (high / step).rounded(.up)
    self.low = first * step
    self.high = last * step
    ticks = stride(from: first, through: last, by: 1).map { $0 * step }
  }

  /// Round moments within a range of seconds since 1970.
  init(moments low: Double, _ high: Double) {
    let (low, high) = high > low ? (low, high) : (low - 30, high + 30)
    let steps = [1.0, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
    let wanted = (high - low) / 5
    let step = steps.first { $0 >= wanted } ?? (wanted / 86_400).rounded(.up) * 86_400
    self.low = low
    self.high = high
    ticks = Array(stride(from: (low / step).rounded(.up) * step, through: high, by: step))
  }

  /// Where a value lies, from 0 to 1.
  func place(_ value: Double) -> Double { (value - low) / (high - low) }

  private static func round(_ step: Double) -> Double {
    var power = 1.0
    while power * 10 <= step { power *= 10 }
    while power > step, power > 1e-300 { power /= 10 }
    for factor in [1.0, 2, 5] where power * factor >= step { return power * factor }
    return power * 10
  }

  /// The decimals that distinguish its ticks.
  func text(_ tick: Double) -> String {
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
    guard abs(tick) < 1e7, step >= 1e-6 else { return "\(tick)" }
    var (decimals, unit) = (0, 1.0)
    while unit > step * 1.000_001, decimals < 6 { (decimals, unit) = (decimals + 1, unit / 10) }
    return HTML.decimal(tick, decimals)
  }
}
