// SPDX-License-Identifier: Apache-2.0
internal import HTTPService
internal import RunModel

/// Writes `/metrics` in the text format of Prometheus, or in that of OpenMetrics.
struct MetricsText {
  enum Kind: String { case counter, gauge, histogram }

  private let isOpen: Bool
  private var text = ""
  private var name = ""

  /// - Parameter accept: the header of the request.
  init(accept: String?) { isOpen = accept?.containsBytes("application/openmetrics-text") == true }

  /// Begins a family; its samples follow directly.
  mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    // OpenMetrics names the family of a counter without its suffix.
    let family = isOpen && kind == .counter ? String(name.dropLast("_total".utf8.count)) : name
    text += "# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n"
  }

  /// A sample of the family.
  mutating func sample(_ value: String, _ labels: [(String, String)] = [], suffix: String = "") {
    text += name + suffix
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  mutating func sample(_ value: Int, _ labels: [(String, String)] = []) { sample("\(value)", labels) }

  /// The samples of a histogram.
  mutating func samples(_ histogram: Histogram, _ labels: [(String, String)] = []) {
    var total = 0
    for (bound, count) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
      total += count
      sample("\(total)", labels + [("le", bound)], suffix: "_bucket")
    }
    sample("\(histogram.sum)", labels, suffix: "_sum")
    sample("\(total)", labels, suffix: "_count")
  }

  /// The whole text.
  var response: HTTPResponse {
    let type = isOpen ? "application/openmetrics-text; version=1.0.0" : "text/plain; version=0.0.4"
    return HTTPResponse(
      type: "\(type); charset=utf-8", body: .bytes(Array((text + (isOpen ? "# EOF\n" : "")).utf8)))
  }

  private static func escaped(_ text: String) -> String {
    text.replacingAll("\\", with: "\\\\").replacingAll("\"", with: "\\\"").replacingAll("\n", with: "\\n")
  }
}
