// SPDX-License-Identifier: Apache-2.0
/// Writes messages with a level to a sink. Modules take one; the command decides where messages go.
public struct Log: Sendable {
  /// The importance of a message.
  public enum Level: Int, Sendable, Comparable {
    /// Details for the developers of algo-run.
    case debug
    /// Events of normal operation.
    case info
    /// Something is wrong, and algo-run continues by itself.
    case warning
    /// Something is lost, or the user must act.
    case error

    /// The less important is the smaller.
    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  /// One message: a sentence, and its data for logs that programs read.
  public struct Entry: Sendable {
    /// Its importance.
    public let level: Level
    /// One line, without prefix or newline.
    public let message: String
    /// Names and values.
    public let fields: [(name: String, value: String)]
  }

  private let minimum: Level
  private let sink: @Sendable (Entry) -> Void

  /// Gives `sink` every message of at least level `minimum`. `sink` is called from the thread that logs.
  public init(from minimum: Level = .info, to sink: @escaping @Sendable (Entry) -> Void) {
    self.minimum = minimum
    self.sink = sink
  }

  /// A log that drops everything.
  public static let none = Log(from: .error) { _ in }

  /// Logs a message of any level. `message` is not computed if the level is below the minimum.
  public func write(
    _ level: Level, _ message: @autoclosure () -> String, _ fields: [(name: String, value: String)] = []
  ) {
    guard level >= minimum else { return }
    sink(Entry(level: level, message: message(), fields: fields))
  }

  /// Logs an event of normal operation.
  public func info(_ message: @autoclosure () -> String) { write(.info, message()) }
  /// Logs that something is wrong and algo-run continues by itself.
  public func warning(_ message: @autoclosure () -> String) { write(.warning, message()) }
  /// Logs that something is lost or the user must act.
  public func error(_ message: @autoclosure () -> String) { write(.error, message()) }
}
