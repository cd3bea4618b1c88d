// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Platform
internal import ProcessSupervision

/// The form of progress.
public enum ProgressStyle: String, Sendable, CaseIterable {
  /// A bar on a terminal that does not also show the results, plain lines elsewhere.
  case auto
  /// One line that is redrawn.
  case bar
  /// A line each ten seconds.
  case plain
  /// Nothing.
  case none
}

/// Shows progress on stderr. Messages of other threads, such as those of delivery, stand apart from the bar as well.
package final class ProgressDisplay {
  /// Ten times a second is smooth; more would only be work.
  private static let barInterval = Duration.milliseconds(100)
  /// Logs are read later: a few lines suffice.
  private static let plainInterval = Duration.seconds(10)
  /// If the width of the terminal is unknown.
  private static let assumedColumns = 80

  private let style: ProgressStyle
  private var nextUpdate: MonotonicInstant
  private var samples: [(at: MonotonicInstant, done: Int)] = []

  /// - Parameter sharesTerminal: whether results go to standard output: on a terminal they are progress enough.
  package init(style: ProgressStyle, sharesTerminal: Bool, now: MonotonicInstant) {
    if style == .auto {
      let terminal = getenv("TERM").map { String(cString: $0) }
      let isCrowded = sharesTerminal && isatty(1) == 1 || terminal == "dumb"
      self.style = isatty(2) != 1 ? .plain : isCrowded ? .none : .bar
    } else {
      self.style = style
    }
    // A short batch needs no progress.
    nextUpdate = now + (self.style == .bar ? .milliseconds(200) : Self.plainInterval)
  }

  /// When ``update(_:at:)`` is to be called again; nil for never.
  package var nextDeadline: MonotonicInstant? { style == .none ? nil : nextUpdate }

  /// Whether anything will be shown.
  var isSilent: Bool { style == .none }

  /// Shows the figures if it is time to.
  package func update(_ figures: @autoclosure () -> ProgressText, at now: MonotonicInstant) {
    guard style != .none, now >= nextUpdate else { return }
    nextUpdate = now + (style == .bar ? Self.barInterval : Self.plainInterval)
    var text = figures()
    text.rate = rate(done: text.done, at: now)
    if style == .bar { draw(text) } else { print(text.plain) }
  }

  /// Prints a line of the figures now, in any style.
  package func printNow(_ figures: ProgressText, at now: MonotonicInstant) {
    var text = figures
    text.rate = rate(done: text.done, at: now)
    print(text.plain)
  }

  /// Prints a message. It erases the bar, which returns with the next update.
  package func print(_ message: String) {
    MessageStream.standardError.print(message)
  }

  /// Erases the bar.
  package func clear() {
    MessageStream.standardError.show("")
  }

  private func draw(_ text: ProgressText) {
    // Asked each time: a resized terminal needs no signal to be noticed.
    MessageStream.standardError.show(text.bar(columns: Descriptor.standardError.terminalColumns ?? Self.assumedColumns))
  }

  /// Requests a second over the last ten seconds.
  private func rate(done: Int, at now: MonotonicInstant) -> Double? {
    if let last = samples.last, now.duration(since: last.at) < .seconds(1), let first = samples.first {
      return Self.rate(from: first, to: (now, done))
    }
    samples.append((now, done))
    if samples.count > 10 { samples.removeFirst() }
    return samples.first.flatMap { Self.rate(from: $0, to: (now, done)) }
  }

  private static func rate(
    from first: (at: MonotonicInstant, done: Int), to last: (at: MonotonicInstant, done: Int)
  ) -> Double? {
    let (seconds, attoseconds) = last.at.duration(since: first.at).components
    let span = Double(seconds) + Double(attoseconds) / 1e18
    return span >= 0.5 ? Double(last.done - first.done) / span : nil
  }
}
