// SPDX-License-Identifier: Apache-2.0
/// The values of one metric on one side, in the order of executions. A missing value is NaN, which no metric can be.
struct SampleColumn {
  /// Executions in one chunk of the file.
  static let chunk = 16_384

  /// Values of the chunk that is not full yet.
  var pending: [Double] = []
  /// Where each earlier chunk that has values lies in the file.
  var chunks: [(first: Int, offset: Int)] = []
  /// Executions that reported it.
  var count = 0

  /// Enters the value of execution `row`.
  mutating func set(_ value: Double, row: Int) {
    let place = row % Self.chunk
    if pending.count > place {
      // A line that has a name twice: the last one counts.
      pending[place] = value
      return
    }
    while pending.count < place { pending.append(.nan) }
    // −0 and 0 are one value.
    pending.append(value + 0)
    count += 1
  }
}
