// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The output of `--help` for one command.
struct HelpText {
  let path: [Command]
  /// Columns a line may fill.
  let width: Int

  /// For the command at the end of `path`, of the width in `COLUMNS`, else 80.
  init(path: [Command], width: Int? = nil) {
    self.path = path
    let columns = width ?? getenv("COLUMNS").flatMap { Int(String(cString: $0)) } ?? 80
    self.width = min(max(columns, 40), 120)
  }

  var text: String {
    let command = path[path.count - 1]
    var parts = [wrapped("OVERVIEW: " + command.abstract, indent: 0)]
    parts += command.discussion.split(whereSeparator: \.isNewline).map { wrapped(String($0), indent: 0) }
    parts.append(wrapped("USAGE: " + usage, indent: 0, hanging: 7))
    parts += section("ARGUMENTS", arguments)
    parts += section("OPTIONS", options)
    parts += section("SUBCOMMANDS", command.subcommands.map { ($0.name, $0.abstract) })
    if !command.examples.isEmpty {
      let examples = command.examples.map { wrapped($0.1, indent: 2) + "\n      " + $0.0 }
      parts.append("EXAMPLES:\n" + examples.joined(separator: "\n"))
    }
    if !command.subcommands.isEmpty {
      parts.append(wrapped("  See '\(path[0].name) help SUBCOMMAND' for more about one of them.", indent: 2))
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// Without the word USAGE, on one line.
  var usage: String {
    let command = path[path.count - 1]
    var words = path.map(\.name)
    for argument in command.arguments {
      switch argument.arity {
      case .required: words.append(argument.name)
      case .optional: words.append("[\(argument.name)]")
      case .repeating: words.append("[\(argument.name)...]")
      }
    }
    words.append("[options]")
    if !command.subcommands.isEmpty { words.append(command.isRunnable ? "[SUBCOMMAND]" : "SUBCOMMAND") }
    if command.takesCommandLine { words.append(command.requiresCommandLine ? "-- COMMAND..." : "[-- COMMAND...]") }
    return words.joined(separator: " ")
  }

  /// The name of each argument, and its help.
  var arguments: [(String, String)] {
    path[path.count - 1].arguments.map { ($0.name, describe($0.help, $0.completion, nil)) }
  }

  /// How each option is written, and its help.
  var options: [(String, String)] {
    var rows: [(String, String)] = []
    for option in path.reversed().flatMap(\.options) {
      var names = option.spellings.joined(separator: option.kind.isInvertible ? "/" : ", ")
      if let short = option.short { names = "-\(short), " + Option.dashed(option.name) }
      if let metavariable = option.metavariable { names += " \(metavariable)" }
      var help = describe(option.help, option.completion, option.defaultValue)
      if case .repeatable = option.kind { help += " May be given again." }
      rows.append((names, help))
    }
    if path.count == 1 {
      rows.append(("--version", "Show the version, the commit and the versions of libraries."))
      rows.append(("--generate-completion-script SHELL", "Print the completions for bash, zsh or fish."))
      rows.append(("--generate-manual DIR", "Write the manual pages of all commands to a folder."))
    }
    rows.append(("-h, --help", "Show help."))
    return rows
  }

  private func describe(_ help: String, _ completion: ValueCompletion, _ defaultValue: String?) -> String {
    var text = help
    if !completion.choices.isEmpty { text += " (values: \(completion.choices.joined(separator: ", ")))" }
    if let defaultValue { text += " (default: \(defaultValue))" }
    return text
  }

  private func section(_ title: String, _ rows: [(String, String)]) -> [String] {
    guard !rows.isEmpty else { return [] }
    let column = 26
    let lines = rows.map { name, help in
      let body = wrapped(help, indent: column)
      guard name.count + 4 <= column else { return "  \(name)\n\(body)" }
      return "  " + name + String(repeating: " ", count: column - 2 - name.count) + body.dropFirst(column)
    }
    return ["\(title):\n" + lines.joined(separator: "\n")]
  }

  /// Breaks between words; lines after the first are indented by `hanging` more.
  private func wrapped(_ text: String, indent: Int, hanging: Int = 0) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      let margin = indent + (lines.isEmpty ? 0 : hanging)
      if !line.isEmpty, margin + line.count + 1 + word.count > width {
        lines.append(String(repeating: " ", count: margin) + line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    lines.append(String(repeating: " ", count: indent + (lines.isEmpty ? 0 : hanging)) + line)
    return lines.joined(separator: "\n")
  }
}

extension Option.Kind {
  var isInvertible: Bool {
    if case .invertible = self { true } else { false }
  }
}
