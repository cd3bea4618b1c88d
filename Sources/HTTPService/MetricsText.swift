// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Writes `/metrics` in the text format of Prometheus, or in that of OpenMetrics.
public struct MetricsText {
  /// The type of a family.
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  private let isOpen: Bool
  private var text = ""
  private var name = ""

  /// - Parameter accept: the header of the request.
  public init(accept: String?) { isOpen = accept?.containsBytes("application/openmetrics-text") == true }

  /// Begins a family; its samples follow directly.
  public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    // OpenMetrics names the family of a counter without its suffix.
    let family = isOpen && kind == .counter ? String(name.dropLast("_total".utf8.count)) : name
    text += "# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n"
  }

  /// A sample of the family.
  public mutating func sample(_ value: String, _ labels: [(String, String)] = [], suffix: String = "") {
    text += name + suffix
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  /// The same with a number.
  public mutating func sample(_ value: Int, _ labels: [(String, String)] = []) { sample("\(value)", labels) }

  /// The samples of a histogram.
  public mutating func samples(_ histogram: Histogram, _ labels: [(String, String)] = []) {
    var total = 0
    for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
      total += count
      sample("\(total)", labels + [("le", bound)], suffix: "_bucket")
    }
    sample("\(histogram.sum)", labels, suffix: "_sum")
    sample("\(total)", labels, suffix: "_count")
  }

  /// The whole text.
  public var response: HTTPResponse {
    let type = isOpen ? "application/openmetrics-text; version=1.0.0" : "text/plain; version=0.0.4"
    return HTTPResponse(
      type: "\(type); charset=utf-8", body: .bytes(Array((text + (isOpen ? "# EOF\n" : "")).utf8)))
  }

  private static func escaped(_ text: String) -> String {
    text.replacingAll("\\", with: "\\\\").replacingAll("\"", with: "\\\"").replacingAll("\n", with: "\\n")
  }
}
