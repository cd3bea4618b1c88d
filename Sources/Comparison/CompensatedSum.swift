// SPDX-License-Identifier: Apache-2.0
/// A sum whose rounding errors are carried along (Neumaier): exact to a few units in the last place, in any order.
struct CompensatedSum {
  private var sum = 0.0
  private var lost = 0.0

  var value: Double { lost.isFinite ? sum + lost : sum }

  mutating func add(_ term: Double) {
    let next = sum + term
    lost += abs(sum) >= abs(term) ? (sum - next) + term : (term - next) + sum
    sum = next
  }
}
