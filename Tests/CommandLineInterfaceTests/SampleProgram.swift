// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface

/// A program that has one of everything, and the ways tests put questions to it.
enum SampleProgram {
  static let home = Option.value("home", "DIR", completion: .directory, help: "State directory.")

  static let parser = CommandParser(
    root: Command(
      name: "tool", abstract: "Does things.",
      subcommands: [
        Command(
          name: "exec", abstract: "Run a command.", discussion: "It is waited for.\nIts status is returned.",
          examples: [("tool exec a/b -- true", "Run true.")],
          arguments: [Argument("REF", arity: .optional, completion: .reference, help: "A version.")],
          options: [
            .value("input", short: "i", "FILE", completion: .file, help: "Standard input."),
            .value("grace", "D", default: "5s", help: "How long to wait."),
            .value("signal", "NAME", completion: .choices(["TERM", "INT"]), help: "It's [the] first: signal."),
            .flag("strict", short: "s", help: "Fail on rejected metrics."),
            .flag("quiet", short: "q", help: "Print nothing."),
            home,
          ], takesCommandLine: true),
        Command(
          name: "publish", abstract: "Register.", arguments: [Argument("NAME", help: "Its name.")],
          options: [
            .invertible("insights", help: "Publish payloads."), .repeatable("env", "K=V", help: "A variable."),
            .repeatable("X", "key=value", help: "A property."),
          ], requiresCommandLine: true),
        Command(
          name: "check", abstract: "Lint.",
          arguments: [Argument("FILE", arity: .repeating, completion: .file, help: "Streams.")]),
        Command(
          name: "connection", abstract: "The connection.", options: [home],
          subcommands: [
            Command(
              name: "set", abstract: "Edit.",
              arguments: [Argument("TYPE", completion: .choices(["file", "plaintext"]), help: "Its kind.")]),
            Command(name: "show", abstract: "Show."),
          ]),
      ]), version: "1.2.3")

  /// The command of a line; nil if it prints something instead.
  static func run(_ words: String...) throws -> Invocation? {
    guard case .run(let invocation) = try parser.parse(words) else { return nil }
    return invocation
  }

  /// The output of a line; nil if it runs something instead.
  static func printed(_ words: String...) throws -> String? {
    guard case .print(let text) = try parser.parse(words) else { return nil }
    return text
  }

  /// The message of the error that a line is refused with.
  static func refusal(_ words: String...) -> String? {
    do {
      _ = try parser.parse(words)
      return nil
    } catch {
      return error.description
    }
  }
}
