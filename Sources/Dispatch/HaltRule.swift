// SPDX-License-Identifier: Apache-2.0
/// When to start no more jobs: after a number of failures, or at a share of them.
public enum HaltRule: Equatable, Sendable, CustomStringConvertible {
  /// After this many failed jobs.
  case failures(Int)
  /// Once this share of the finished jobs has failed.
  case percent(Double)

  /// A share means nothing after one job: at least this many (or all, if there are fewer) count as finished.
  static let sample = 20

  /// Takes `N` or `P%`; nil for anything else, 0 included.
  public init?(parsing text: String) {
    if text.hasSuffix("%") {
      guard let share = Double(text.dropLast()), share > 0, share <= 100 else { return nil }
      self = .percent(share)
    } else {
      guard let count = Int(text), count > 0 else { return nil }
      self = .failures(count)
    }
  }

  /// Whether no more jobs are to be started.
  func isMet(failed: Int, finished: Int, total: Int?) -> Bool {
    switch self {
    case .failures(let count): return failed >= count
    case .percent(let share):
      let base = max(finished, min(Self.sample, total ?? Self.sample))
      return failed > 0 && Double(failed) * 100 >= share * Double(base)
    }
  }

  /// As a user writes it.
  public var description: String {
    switch self {
    case .failures(let count): "\(count)"
    case .percent(let share): share == share.rounded() ? "\(Int(share))%" : "\(share)%"
    }
  }
}
