// SPDX-License-Identifier: Apache-2.0
/// A command line that cannot be run, in the user's words; the composition exits with status 64 for it.
public struct UsageError: Error, Equatable, CustomStringConvertible {
  /// The problem with it.
  public enum Problem: Equatable, Sendable {
    case unknownOption(String, suggestion: String?)
    case unknownCommand(String, suggestion: String?)
    case missingValue(option: String, metavariable: String, refused: String?)
    case unwantedValue(option: String)
    case invalidValue(name: String, value: String, expected: String)
    case missing(String)
    case missingCommandLine
    case emptyCommandLine
    case unexpectedArgument(String, belongsAfterDashes: Bool)
    case conflict(String, String)
  }

  /// The program and the command it was found in: `algo-run exec`.
  public let command: String
  /// The problem.
  public let problem: Problem

  /// An error in the command line of `command`, the typed path with the program's name.
  public init(_ command: String, _ problem: Problem) {
    self.command = command
    self.problem = problem
  }

  /// One sentence, perhaps a suggestion, and where to read more.
  public var description: String { "\(sentence) See '\(command) --help' for more." }

  private var sentence: String {
    switch problem {
    case .unknownOption(let option, let suggestion):
      "Unknown option '\(option)'." + Self.hint(suggestion)
    case .unknownCommand(let name, let suggestion):
      "Unknown command '\(name)'." + Self.hint(suggestion)
    case .missingValue(let option, let metavariable, nil):
      "Option '\(option)' needs a value: \(option) \(metavariable)."
    case .missingValue(let option, _, .some(let refused)):
      "Option '\(option)' needs a value; one that begins with a dash is written \(Self.joined(option, refused))."
    case .unwantedValue(let option):
      "Option '\(option)' takes no value."
    case .invalidValue(let name, let value, let expected):
      "'\(value)' is not valid for '\(name)': expected \(expected)."
    case .missing(let what):
      "Missing \(what)."
    case .missingCommandLine:
      "Missing the command to run: write it after '--'."
    case .emptyCommandLine:
      "Nothing follows '--': write the command to run after it, or leave '--' out."
    case .unexpectedArgument(let word, belongsAfterDashes: false):
      "Unexpected argument '\(word)'."
    case .unexpectedArgument(let word, belongsAfterDashes: true):
      "Unexpected argument '\(word)'; a command to run is written after '--'."
    case .conflict(let one, let other):
      "\(one) and \(other) cannot be given together."
    }
  }

  private static func hint(_ suggestion: String?) -> String {
    suggestion.map { " Did you mean '\($0)'?" } ?? ""
  }

  private static func joined(_ option: String, _ value: String) -> String {
    option.hasPrefix("--") ? "\(option)=\(value)" : "\(option)\(value)"
  }
}
