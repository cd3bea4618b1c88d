// SPDX-License-Identifier: Apache-2.0
/// Numbers of records. Most follow one another, so that a million take a few bytes.
struct RecordRanges {
  private var ranges: [ClosedRange<Int64>] = []

  /// The least number; 0 if there is none.
  var first: Int64 { ranges.first?.lowerBound ?? 0 }
  /// The greatest number; 0 if there is none.
  var last: Int64 { ranges.last?.upperBound ?? 0 }

  /// Adds a number that is greater than all before.
  mutating func add(_ id: Int64) {
    if last + 1 == id, let range = ranges.popLast() {
      ranges.append(range.lowerBound...id)
    } else {
      ranges.append(id...id)
    }
  }

  /// Whether a number was added.
  func contains(_ id: Int64) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(id)
  }
}
