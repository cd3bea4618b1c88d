// SPDX-License-Identifier: Apache-2.0
internal import RunModel

/// The figures of a batch at one moment, as one line of a given width.
package struct ProgressText {
  package init() {}

  package var done = 0
  /// Nil until the list is counted, or if it cannot be.
  package var total: Int?
  package var failed = 0
  /// Requests a second over the last seconds; nil at the start.
  package var rate: Double?
  package var payloadsWaiting = 0
  /// The activity of a batch that takes no more requests, in place of the time left.
  package var note: String?

  /// The time left, at the current rate.
  private var remaining: String? {
    guard let total, let rate, rate > 0, total > done else { return nil }
    return HumanFormat.span(.seconds(Int64(min(Double(total - done) / rate, 1e8).rounded(.up))))
  }

  private var parts: [String] {
    var parts = [
      total.map { "\(HumanFormat.grouped(done))/\(HumanFormat.grouped($0))" } ?? "\(HumanFormat.grouped(done)) done"
    ]
    if failed > 0 { parts.append("\(HumanFormat.grouped(failed)) failed") }
    if let note { parts.append(note) }
    if let rate, rate > 0 { parts.append(HumanFormat.rate(Int((rate * 1000).rounded()), .seconds(1000))) }
    if note == nil, let remaining { parts.append("ETA \(remaining)") }
    if payloadsWaiting > 0 { parts.append("\(HumanFormat.grouped(payloadsWaiting)) payloads waiting") }
    return parts
  }

  /// A bar and the figures, less than `columns` wide. Without room, the bar goes first, then figures from the right.
  func bar(columns: Int) -> String {
    // The last column stays empty: some terminals wrap as soon as it is filled.
    let room = columns - 1
    var parts = parts
    var figures = parts.joined(separator: "  ")
    while figures.count > room, parts.count > 1 {
      parts.removeLast()
      figures = parts.joined(separator: "  ")
    }
    if figures.count > room { return String(figures.prefix(max(0, room))) }
    let width = min(40, room - figures.count - 9)
    guard let total, total > 0, width >= 5 else { return figures }
    let filled = min(width, done * width / total)
    let percent = String(min(100, done * 100 / total))
    let padding = String(repeating: " ", count: 3 - percent.count)
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "] "
      + "\(padding)\(percent)%  \(figures)"
  }

  /// A line for logs.
  var plain: String {
    var line = "progress: " + parts.joined(separator: ", ")
    if let total, total > 0 { line += " (\(min(100, done * 100 / total))%)" }
    return line
  }
}
