// SPDX-License-Identifier: Apache-2.0
/// Reads command lines for a tree of commands, with the conventions of swift-argument-parser.
///
/// Knows no command of its own; the declarations decide. Does no input or output: the composition prints and exits.
public struct CommandParser: Sendable {
  /// The meaning of a command line.
  public enum Outcome: Sendable {
    /// Run a command.
    case run(Invocation)
    /// Print this text, which ends in a newline, to standard output and exit with success: help, completions.
    case print(String)
    /// Print the version.
    case version
    /// Write these pages to a folder.
    case manual([ManualPage], folder: String)
    /// Print completions for a shell, one line each.
    case complete(Completion)
  }

  /// The command named like the program.
  public let root: Command
  /// As manual pages name it.
  public let version: String

  /// A parser for the program `root`.
  public init(root: Command, version: String) {
    self.root = root
    self.version = version
  }

  /// Reads the words after the program's name.
  public func parse(_ arguments: [String]) throws(UsageError) -> Outcome {
    var reading = CommandReading(root: root)
    var words = arguments[...]
    while let word = words.first {
      guard !reading.command.subcommands.isEmpty, reading.command.isNext(word) else { break }
      words.removeFirst()
      if word == "--help" || word == "-h" { return help(reading.path) }
      if reading.path.count == 1 {
        if word == "--version" { return .version }
        if word == "--complete" { return .complete(Completion(root: root, words: words)) }
        if word == "help" { return try help(of: words) }
        if word == "--generate-completion-script" || word.hasPrefix("--generate-completion-script=") {
          return try completion(word: word, rest: words)
        }
        if word == "--generate-manual" {
          guard let folder = words.first else {
            throw UsageError(root.name, .missingValue(option: word, metavariable: "DIR", refused: nil))
          }
          return .manual(ManualPage.all(of: root, version: version), folder: folder)
        }
      }
      if word.utf8.first == UInt8(ascii: "-"), word != "-" {
        try reading.takeOption(word, rest: &words)
      } else {
        try reading.enter(word)
      }
    }
    guard reading.command.isRunnable else { return help(reading.path) }
    // Help wins over whatever else is wrong with the line, since it is what would explain it.
    if words.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
      return help(reading.path)
    }
    while let word = words.popFirst() {
      if word == "--" {
        try reading.takeRest(words)
        break
      } else if word.utf8.first == UInt8(ascii: "-"), word != "-" {
        try reading.takeOption(word, rest: &words)
      } else {
        reading.positional.append(word)
      }
    }
    return .run(try reading.finish())
  }

  private func help(_ path: [Command]) -> Outcome { .print(HelpText(path: path).text) }

  private func help(of words: ArraySlice<String>) throws(UsageError) -> Outcome {
    var reading = CommandReading(root: root)
    for word in words where !word.hasPrefix("-") { try reading.enter(word) }
    return help(reading.path)
  }

  private func completion(word: String, rest: ArraySlice<String>) throws(UsageError) -> Outcome {
    let option = "--generate-completion-script"
    let name = word == option ? rest.first : String(word.dropFirst(option.utf8.count + 1))
    guard let name else {
      throw UsageError(root.name, .missingValue(option: option, metavariable: "SHELL", refused: nil))
    }
    guard let shell = CompletionShell(rawValue: name) else {
      throw UsageError(root.name, .invalidValue(name: option, value: name, expected: "bash, zsh or fish"))
    }
    return .print(shell.script(for: root.name))
  }
}
