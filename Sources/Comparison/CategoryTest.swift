// SPDX-License-Identifier: Apache-2.0
/// Whether two samples of few distinct values differ: χ², or Fisher's exact test where counts are small.
enum CategoryTest {
  /// The least expected count for which χ² holds.
  private static let leastExpected = 5.0

  /// Nil with fewer than two categories.
  static func evidence(_ categories: [Category]) -> Evidence? {
    let pooled = pool(categories)
    guard pooled.count > 1 else { return nil }
    let degrees = pooled.count - 1
    let statistic = chiSquared(pooled)
    let strength: @Sendable (Double) -> Double = { statistic / Distribution.chiSquaredQuantile($0, degrees: degrees) }
    if degrees == 1, pooled.contains(where: { isRare($0, pooled) }) {
      return Evidence(.fisher, p: fisher(pooled[0].a, pooled[1].a, pooled[0].b, pooled[1].b), strength: strength)
    }
    return Evidence(.chiSquared, p: Distribution.chiSquaredTail(statistic, degrees: degrees), strength: strength)
  }

  /// Unites the two rarest categories until no expected count is below 5 or two categories are left.
  static func pool(_ categories: [Category]) -> [Category] {
    var pooled = categories.filter { $0.a + $0.b > 0 }.sorted { ($0.a + $0.b, $0.value) < ($1.a + $1.b, $1.value) }
    while pooled.count > 2, isRare(pooled[0], pooled) {
      let united = Category(value: pooled[1].value, a: pooled[0].a + pooled[1].a, b: pooled[0].b + pooled[1].b)
      pooled.removeFirst(2)
      let place = pooled.firstIndex { ($0.a + $0.b, $0.value) > (united.a + united.b, united.value) }
      pooled.insert(united, at: place ?? pooled.endIndex)
    }
    return pooled
  }

  private static func isRare(_ category: Category, _ all: [Category]) -> Bool {
    let n = all.reduce(0) { $0 + $1.a }
    let m = all.reduce(0) { $0 + $1.b }
    return Double(category.a + category.b) * Double(min(n, m)) / Double(n + m) < leastExpected
  }

  /// Pearson's statistic, without a correction for continuity.
  static func chiSquared(_ categories: [Category]) -> Double {
    let n = Double(categories.reduce(0) { $0 + $1.a })
    let m = Double(categories.reduce(0) { $0 + $1.b })
    return categories.reduce(0) { sum, category in
      let total = Double(category.a + category.b)
      let difference = Double(category.a) * m - Double(category.b) * n
      return sum + difference * difference / (total * n * m)
    }
  }

  /// Two-sided probability of the table [[a, b], [c, d]]: of all tables with its margins that are no more probable.
  ///
  /// Weights are relative to the most probable table, by the ratio of neighbours: no factorial is needed.
  static func fisher(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> Double {
    let (row, column, total) = (a + b, a + c, a + b + c + d)
    let (lowest, highest) = (max(0, row + column - total), min(row, column))
    guard lowest < highest else { return 1 }
    let mode = min(highest, max(lowest, (row + 1) * (column + 1) / (total + 2)))
    // weight(k+1) / weight(k)
    func ratio(_ k: Int) -> Double {
      Double(row - k) * Double(column - k) / (Double(k + 1) * Double(total - row - column + k + 1))
    }
    var weights = [Double](repeating: 0, count: highest - lowest + 1)
    weights[mode - lowest] = 1
    for k in mode..<highest { weights[k + 1 - lowest] = weights[k - lowest] * ratio(k) }
    for k in stride(from: mode - 1, through: lowest, by: -1) {
      weights[k - lowest] = weights[k + 1 - lowest] / ratio(k)
    }
    // Equally probable tables differ by rounding.
    let limit = weights[a - lowest] * (1 + 1e-7)
    var (all, extreme) = (CompensatedSum(), CompensatedSum())
    for weight in weights {
      all.add(weight)
      if weight <= limit { extreme.add(weight) }
    }
    return min(1, extreme.value / all.value)
  }
}
