// SPDX-License-Identifier: Apache-2.0
/// A manual page of one command, in the language of man(7); made of the same declarations as its help.
public struct ManualPage: Sendable {
  /// The name of its file, such as `algo-run-connection-set.1`.
  public let file: String
  /// Its source.
  public let text: String

  /// One page for the program and for each command below it.
  static func all(of root: Command, version: String) -> [ManualPage] { pages([root], version) }

  private static func pages(_ path: [Command], _ version: String) -> [ManualPage] {
    let command = path[path.count - 1]
    return [ManualPage(path, version)] + command.subcommands.flatMap { pages(path + [$0], version) }
  }

  private init(_ path: [Command], _ version: String) {
    let command = path[path.count - 1]
    let help = HelpText(path: path)
    let program = path[0].name
    let name = Self.name(path)
    file = "\(name).1"
    var lines = [
      #".\" SPDX-License-Identifier: Apache-2.0"#,
      #".TH "\#(Self.escaped(name.uppercased()))" 1 "" "\#(program) \#(version)" "User Commands""#,
      ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(Self.asName(command.abstract)))",
      ".SH SYNOPSIS", ".B " + Self.escaped(help.usage),
      ".SH DESCRIPTION", Self.escaped(command.abstract),
    ]
    for paragraph in command.discussion.split(whereSeparator: \.isNewline) {
      lines += [".PP", Self.escaped(String(paragraph))]
    }
    lines += Self.section("ARGUMENTS", help.arguments)
    lines += Self.section("OPTIONS", help.options)
    lines += Self.section("COMMANDS", command.subcommands.map { ("\(name)-\($0.name)(1)", $0.abstract) })
    if !command.examples.isEmpty {
      lines.append(".SH EXAMPLES")
      for (line, purpose) in command.examples {
        lines += [".PP", Self.escaped(purpose) + ":", ".PP", ".RS 4", ".nf", Self.escaped(line), ".fi", ".RE"]
      }
    }
    let above = path.indices.dropLast().map { Self.name(Array(path[...$0])) }
    let related = above + command.subcommands.map { "\(name)-\($0.name)" }
    if !related.isEmpty {
      lines += [".SH SEE ALSO", related.map { "\(Self.escaped($0))(1)" }.joined(separator: ", ")]
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func name(_ path: [Command]) -> String { path.map(\.name).joined(separator: "-") }

  private static func section(_ title: String, _ rows: [(String, String)]) -> [String] {
    guard !rows.isEmpty else { return [] }
    return [".SH \(title)"] + rows.flatMap { [".TP", ".B " + escaped($0), escaped($1)] }
  }

  /// As NAME has it: without the full stop of a sentence.
  private static func asName(_ sentence: String) -> String {
    sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  }

  /// A text whose characters mean themselves: a line that begins with a dot is a request, a dash may become a hyphen.
  private static func escaped(_ text: String) -> String {
    var result = text.first == "." || text.first == "'" ? "\\&" : ""
    for character in text {
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "\n": result += " "
      default: result.append(character)
      }
    }
    return result
  }
}
