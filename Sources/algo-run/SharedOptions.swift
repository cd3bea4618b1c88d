// SPDX-License-Identifier: Apache-2.0
internal import CommandLineInterface
internal import Glibc
internal import RunModel
internal import StateStore

/// Options and values that several subcommands read in the same way.
enum SharedOptions {
  /// `--home DIR`.
  static let home = Option.value(
    "home", "DIR", completion: .directory,
    help: "Home directory (default: $ALGO_RUN_HOME, else $XDG_STATE_HOME/algo-run, else ~/.local/state/algo-run).")

  /// `--json`.
  static let json = Option.flag("json", help: "Print JSON instead of a table.")

  /// `--no-history`.
  static let noHistory = Option.flag("no-history", help: "Write nothing to the history that `runs` shows.")

  /// The trace that algo-run was called within, by its environment.
  static var trace: TraceContext? { HomeDirectory.processVariable("TRACEPARENT").flatMap { TraceContext(parsing: $0) } }

  /// The home the user means.
  static func home(_ invocation: Invocation) throws(StateError) -> HomeDirectory {
    try HomeDirectory.located(option: invocation.value("home"))
  }

  /// The message about a missing home: a listing would otherwise show a misspelt one as empty. Nil if
  /// it is there.
  static func absence(of home: HomeDirectory) -> String? {
    guard access(home.path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR else { return nil }
    return "there is no directory \(TerminalText.escaped(home.path, limit: 4096)) yet"
  }

  /// A duration, nil if the option was not given.
  static func duration(_ invocation: Invocation, _ option: String) throws(UsageError) -> Duration? {
    guard let text = invocation.value(option) else { return nil }
    guard let duration = DurationText.parse(text) else {
      throw invocation.invalid(
        option, value: text, expected: "one number and one unit (ms, s, m, h or d), such as 500ms, 90s or 1.5h")
    }
    return duration
  }

  /// A whole number, nil if the option was not given.
  static func number(_ invocation: Invocation, _ option: String, atLeast least: Int) throws(UsageError) -> Int? {
    guard let text = invocation.value(option) else { return nil }
    let most = 1_000_000_000
    guard let number = Int(text), (least...most).contains(number) else {
      throw invocation.invalid(option, value: text, expected: "a whole number from \(least) to \(most)")
    }
    return number
  }

  /// `--delivery-wait`: a caller that would wait for longer wants `outbox deliver`.
  static func deliveryWait(_ invocation: Invocation) throws(UsageError) -> Duration? {
    let wait = try duration(invocation, "delivery-wait")
    if let wait, wait > .seconds(3600) {
      throw invocation.invalid("delivery-wait", value: DurationText.format(wait), expected: "at most 1h")
    }
    return wait
  }

  /// A time limit: a duration that is not zero.
  static func timeLimit(_ invocation: Invocation) throws(UsageError) -> Duration? {
    let limit = try duration(invocation, "timeout")
    guard limit != .zero else {
      throw invocation.invalid("timeout", value: invocation.value("timeout") ?? "", expected: "more than zero")
    }
    return limit
  }

  /// The number of a signal given by name (`TERM`, `SIGTERM`) or number.
  static func signal(_ invocation: Invocation, _ option: String) throws(UsageError) -> Int32 {
    let text = invocation.value(option) ?? "TERM"
    let name = text.uppercased()
    switch name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name {
    case "TERM": return SIGTERM
    case "INT": return SIGINT
    case "HUP": return SIGHUP
    case "QUIT": return SIGQUIT
    case "KILL": return SIGKILL
    case "USR1": return SIGUSR1
    case "USR2": return SIGUSR2
    case "ABRT": return SIGABRT
    case "ALRM": return SIGALRM
    case "CONT": return SIGCONT
    case "STOP": return SIGSTOP
    case "WINCH": return SIGWINCH
    default:
      guard let number = Int32(text), (1...64).contains(number) else {
        throw invocation.invalid(option, value: text, expected: "a signal such as TERM, INT or 15")
      }
      return number
    }
  }

  /// A reference, with its error as one of usage.
  static func reference(_ text: String) throws -> AlgorithmReference {
    do throws(ReferenceError) {
      return try AlgorithmReference(parsing: text)
    } catch {
      throw CommandError(exitCode: 64, sentence: Remedy.sentence(error))
    }
  }
}
