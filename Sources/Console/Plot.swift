// SPDX-License-Identifier: Apache-2.0
public import RunModel

/// Points over time, a series for each version. Geometry is in attributes, colours are in the style sheet.
public enum Plot {
  /// A value of an execution.
  public struct Point: Sendable {
    let moment: Timestamp
    let value: Double
    /// As it was reported.
    let text: String

    /// A point.
    public init(_ moment: Timestamp, _ value: Double, _ text: String) {
      (self.moment, self.value, self.text) = (moment, value, text)
    }
  }

  /// The points of one version, oldest first.
  public struct Series: Sendable {
    /// The version.
    public let version: String
    /// Which colour and mark it has.
    public let style: Int
    /// Its points.
    public var points: [Point]

    /// A series.
    public init(_ version: String, style: Int, points: [Point] = []) {
      (self.version, self.style, self.points) = (version, style, points)
    }
  }

  private static let (width, height) = (1040.0, 240.0)
  private static let (left, right, top, bottom) = (64.0, 12.0, 12.0, 40.0)

  /// - Parameter unit: of the values.
  static func draw(_ name: String, unit: String, _ series: [Series]) -> HTML {
    let points = series.flatMap(\.points)
    guard let first = points.first else { return .none }
    let values = points.map(\.value)
    let y = Axis(values: values.min() ?? first.value, values.max() ?? first.value)
    let seconds = points.map { Double($0.moment.microseconds) / 1e6 }
    let x = Axis(moments: seconds.min() ?? 0, seconds.max() ?? 0)
    func across(_ seconds: Double) -> Double { left + 6 + (width - left - right - 12) * x.place(seconds) }
    func down(_ value: Double) -> Double { height - bottom - (height - top - bottom) * y.place(value) }
    var drawing = HTML.none
    for tick in y.ticks {
      let place = HTML.decimal(down(tick), 1)
      drawing += """
        <line class="grid-line" x1="64" x2="1028" y1="\(place)" y2="\(place)"/><text x="56" y="\(place)" dy="4" text-anchor="end">\(y.text(tick))</text>
        """
    }
    let spansDays = x.high - x.low > 86_400
    for tick in x.ticks {
      let text = Timestamp(microseconds: Int64(tick * 1e6)).description
      let shown =
        spansDays
        ? "\(text.dropFirst(5).prefix(5)) \(text.dropFirst(11).prefix(5))" : String(text.dropFirst(11).prefix(8))
      let place = HTML.decimal(across(tick), 1)
      drawing += """
        <line class="axis" x1="\(place)" x2="\(place)" y1="200" y2="205"/><text x="\(place)" y="220" text-anchor="middle">\(shown)</text>
        """
    }
    drawing += """
      <line class="axis" x1="64" x2="1028" y1="200" y2="200"/>
      <text x="1028" y="236" text-anchor="end">Start of the execution (UTC)</text>
      """
    for one in series {
      for point in one.points {
        let place = (across(Double(point.moment.microseconds) / 1e6), down(point.value))
        let time = point.moment.description.dropFirst(11).prefix(8)
        drawing += mark(
          one.style, place.0, place.1, "\(point.text)\(unit.isEmpty ? "" : " \(unit)")\n\(one.version), \(time)")
      }
    }
    let label =
      "\(name): \(points.count) values of \(series.count) version(s), from \(y.text(y.low)) to \(y.text(y.high))"
    return """
      <figure class="plot" tabindex="0" aria-label="Plot of \(name)"><svg viewBox="0 0 1040 240" role="img" aria-label="\(label)">\(drawing)</svg></figure>
      """
  }

  /// Shapes differ as well as colours.
  static func mark(_ style: Int, _ x: Double, _ y: Double, _ title: String) -> HTML {
    let (cx, cy) = (HTML.decimal(x, 1), HTML.decimal(y, 1))
    let kind: HTML = "class=\"mark p\(style % 6)\""
    switch style % 3 {
    case 0: return "<circle \(kind) cx=\"\(cx)\" cy=\"\(cy)\" r=\"3.5\"><title>\(title)</title></circle>"
    case 1:
      return
        "<rect \(kind) x=\"\(HTML.decimal(x - 3, 1))\" y=\"\(HTML.decimal(y - 3, 1))\" width=\"6\" height=\"6\"><title>\(title)</title></rect>"
    default:
      let corners = "M\(cx) \(HTML.decimal(y - 4, 1))l4 7h-8z"
      return "<path \(kind) d=\"\(corners)\"><title>\(title)</title></path>"
    }
  }
}
