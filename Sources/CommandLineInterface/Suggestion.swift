// SPDX-License-Identifier: Apache-2.0
/// Finds the word that a misspelt one was meant to be.
enum Suggestion {
  /// The candidate nearest to `word`: one it is the beginning of, else one at most a third of its letters away.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let bare = word.drop { $0 == "-" }
    guard bare.count >= 2 else { return nil }
    if let completed = candidates.first(where: { $0.hasPrefix(word) }) { return completed }
    let measured = candidates.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
    guard let best = measured.min(by: { $0.1 < $1.1 }), best.1 <= max(1, (bare.count + 1) / 3) else { return nil }
    return best.0
  }

  /// Letters to insert, delete, replace, or swap with a neighbour.
  static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for i in one.indices {
      var row = [i + 1]
      for j in other.indices {
        var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (one[i] == other[j] ? 0 : 1))
        if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[other.count]
  }
}
