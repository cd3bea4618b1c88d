/// Why requests of a batch never started: a few reasons and how often each, for whoever would otherwise see only counts.
struct UnstartedReasons {
  /// A list of a million unusable lines may have a million reasons.
  private static let mostTold = 5

  private var told: [(reason: String, count: Int)] = []
  private var others = 0

  /// Counts one request; the reason is a sentence.
  mutating func count(_ reason: String) {
    if let known = told.firstIndex(where: { $0.reason == reason }) {
      told[known].count += 1
    } else if told.count < Self.mostTold {
      told.append((reason, 1))
    } else {
      others += 1
    }
  }

  /// One line a reason, in the order they came up.
  var lines: [String] {
    var lines = told.map { "\(Figures.counted($0.count, "request")) never started: \($0.reason)" }
    if others > 0 {
      lines.append("\(Figures.counted(others, "request")) never started for other reasons; see the results")
    }
    return lines
  }
}
