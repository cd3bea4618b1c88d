/// When a batch gives up: after so many failures, or so large a share of them.
public enum HaltRule: Equatable, Sendable {
  /// After this many failed requests.
  case failures(Int)
  /// Once this share of the finished requests has failed.
  case percent(Double)

  /// A share means nothing after one request: at least so many (or all, of fewer) are taken to have finished.
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

  /// Whether the batch gives up now.
  func isMet(failed: Int, finished: Int, total: Int?) -> Bool {
    switch self {
    case .failures(let count): return failed >= count
    case .percent(let share):
      let base = max(finished, min(Self.sample, total ?? Self.sample))
      return failed > 0 && Double(failed) * 100 >= share * Double(base)
    }
  }

  /// As a user writes it.
  var words: String {
    switch self {
    case .failures(let count): "\(count)"
    case .percent(let share): share == share.rounded() ? "\(Int(share))%" : "\(share)%"
    }
  }
}
