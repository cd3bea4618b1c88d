// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The pages of one algorithm.
public enum AlgorithmTab: String, CaseIterable, Sendable {
  /// Its versions.
  case versions = "Versions"
  /// A new one.
  case publish = "Publish"
  /// One execution.
  case tryIt = "Try it"
  /// Plots.
  case metrics = "Metrics"
  /// Two versions side by side.
  case compare = "Compare"

  /// The last segment of its path; nil for the first tab.
  public var segment: String? {
    switch self {
    case .versions: nil
    case .tryIt: "try"
    default: rawValue.lowercased()
    }
  }

  func path(_ algorithm: AlgorithmName) -> String {
    "/algorithms/\(algorithm)" + (segment.map { "/\($0)" } ?? "")
  }

  /// A page of an algorithm.
  func layout(
    _ algorithm: AlgorithmName, _ viewer: Viewer, notice: Notice? = nil, beside: HTML = .none, lines: [Layout.Line]
  ) -> Layout {
    let tabs = Self.allCases.filter { $0 != .publish || viewer.mayPublish }.map { tab -> HTML in
      let current: HTML = tab == self ? " aria-current=\"page\"" : ""
      return "<a href=\"\(tab.path(algorithm))\"\(current)>\(tab.rawValue)</a>"
    }
    return Layout(
      algorithm.description, .algorithms, viewer, beside: beside,
      tabs: "<nav class=\"tabs\" aria-label=\"Pages of \(algorithm.description)\">\(HTML(tabs))</nav>", notice: notice,
      lines: lines)
  }
}
