// SPDX-License-Identifier: Apache-2.0
/// One command of the tree a program offers; a leaf is run, the others only hold subcommands.
///
/// Only descriptions live here: building the whole tree reads nothing and computes nothing, so a program pays for
/// help, suggestions and completions only when they are asked for.
public struct Command: Sendable {
  /// The word users type.
  public let name: String
  /// One sentence: what running it does.
  public let abstract: String
  /// More for `--help`; each line is a paragraph, which help wraps.
  public let discussion: String
  /// A command line each, and its purpose.
  public let examples: [(String, String)]
  /// In the order users give them.
  public let arguments: [Argument]
  /// In the order help lists them.
  public let options: [Option]
  /// If there are any, the first word has to be one of their names, unless the command itself has arguments.
  public let subcommands: [Command]
  /// Everything after `--` belongs to another program and is kept verbatim.
  public let takesCommandLine: Bool
  /// A `takesCommandLine` without which the command makes no sense.
  public let requiresCommandLine: Bool

  /// Describes a command; see the members for what each part means.
  public init(
    name: String, abstract: String, discussion: String = "", examples: [(String, String)] = [],
    arguments: [Argument] = [], options: [Option] = [], subcommands: [Command] = [], takesCommandLine: Bool = false,
    requiresCommandLine: Bool = false
  ) {
    self.name = name
    self.abstract = abstract
    self.discussion = discussion
    self.examples = examples
    self.arguments = arguments
    self.options = options
    self.subcommands = subcommands
    self.takesCommandLine = takesCommandLine || requiresCommandLine
    self.requiresCommandLine = requiresCommandLine
  }

  /// Whether it can be run, and is not only there for its subcommands.
  var isRunnable: Bool { subcommands.isEmpty || !arguments.isEmpty }

  /// Whether a word is one that is read before the arguments: an option or, if there are arguments, the name of a
  /// subcommand.
  func isNext(_ word: String) -> Bool {
    arguments.isEmpty || word.hasPrefix("-") && word != "-" && word != "--"
      || subcommands.contains { $0.name == word }
  }
}

/// A word given by its place.
public struct Argument: Sendable {
  /// How many of them a command line holds.
  public enum Arity: Sendable {
    case required, optional
    /// None or more; only the last argument can be so.
    case repeating
  }

  /// As help writes it, in capitals: `REF`.
  public let name: String
  /// One sentence.
  public let help: String
  /// How many of them there may be.
  public let arity: Arity
  /// Values that a shell offers; `choices` are also enforced.
  public let completion: ValueCompletion

  /// Describes an argument.
  public init(_ name: String, arity: Arity = .required, completion: ValueCompletion = .none, help: String) {
    self.name = name
    self.help = help
    self.arity = arity
    self.completion = completion
  }
}

/// Values that a shell can offer.
public enum ValueCompletion: Sendable {
  case none, file, directory
  /// Values from the composition: published versions.
  case reference
  /// The only values that are accepted.
  case choices([String])

  var choices: [String] {
    if case .choices(let values) = self { values } else { [] }
  }
}
