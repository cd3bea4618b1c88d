// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The reasons why requests of a batch never started, and how often each occurred. The summary shows only a count.
struct StartFailureReasons {
  /// A list of a million unusable lines may have a million reasons.
  private static let limit = 5

  private var reasons: [(reason: String, count: Int)] = []
  private var others = 0

  /// Counts one request; the reason is a sentence.
  mutating func count(_ reason: String) {
    if let known = reasons.firstIndex(where: { $0.reason == reason }) {
      reasons[known].count += 1
    } else if reasons.count < Self.limit {
      reasons.append((reason, 1))
    } else {
      others += 1
    }
  }

  /// One line a reason, in the order of their first occurrence; none for one that was printed before.
  func lines(except known: String?) -> [String] {
    var lines = reasons.filter { $0.reason != known }.map {
      "\(HumanFormat.counted($0.count, "request")) never started: \($0.reason)"
    }
    if others > 0 {
      lines.append("\(HumanFormat.counted(others, "request")) never started for other reasons; see the results")
    }
    return lines
  }
}
