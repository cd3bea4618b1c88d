// SPDX-License-Identifier: Apache-2.0
/// A command of the tree and the values that the user gave for it.
///
/// Names are those of the declarations; asking for one that was never declared stops a debug build.
public struct Invocation: Sendable {
  /// The command that is to run.
  public let command: Command
  /// The program's own, its subcommand, and so on.
  let path: [Command]
  /// The words after `--`; nil if there was no `--`.
  public let commandLine: [String]?
  let given: GivenValues
  let declared: [Option]

  /// Its name and those above it, the program's own left out: `["connection", "set"]`.
  public var commandPath: [String] { path.dropFirst().map(\.name) }

  /// The program and the path, as users type it: `algo-run connection set`.
  var typedPath: String { Self.typed(path) }

  static func typed(_ path: [Command]) -> String { path.map(\.name).joined(separator: " ") }

  /// The value of a single-value option: the last one given, else its default, else nil.
  public func value(_ option: String) -> String? {
    let option = declaration(option)
    return given[option?.name ?? ""]?.last ?? option?.defaultValue
  }

  /// The values of a repeatable option, in order.
  public func values(_ option: String) -> [String] { given[declaration(option)?.name ?? ""] ?? [] }

  /// Whether a flag was given.
  public func flag(_ option: String) -> Bool { given[declaration(option)?.name ?? ""] != nil }

  /// True for `--name`, false for `--no-name`, nil when neither was given.
  public func optionalFlag(_ option: String) -> Bool? {
    given[declaration(option)?.name ?? ""]?.last.map { $0 == "yes" }
  }

  /// Whether an option of any kind was given, a default aside.
  public func isGiven(_ option: String) -> Bool { flag(option) }

  /// The argument with this name; nil when an optional one was left out.
  public func argument(_ name: String) -> String? { arguments(name).first }

  /// All the arguments of a repeating one, in order.
  public func arguments(_ name: String) -> [String] {
    assert(command.arguments.contains { $0.name == name }, "\(typedPath) declares no argument \(name)")
    return given[Self.key(argument: name)] ?? []
  }

  /// The error for a value that parsed but makes no sense; `expected` is half a sentence, "a duration such as 30s".
  public func invalid(_ what: String, value: String, expected: String) -> UsageError {
    let isOption = declared.contains { $0.name == what }
    return UsageError(
      typedPath, .invalidValue(name: isOption ? Option.dashed(what) : what, value: value, expected: expected))
  }

  /// The error for two things that exclude each other, each as users write it.
  public func conflict(_ one: String, _ other: String) -> UsageError {
    UsageError(typedPath, .conflict(one, other))
  }

  /// The error for something the command cannot do without in this context, as users write it.
  public func missing(_ what: String) -> UsageError { UsageError(typedPath, .missing(what)) }

  private func declaration(_ name: String) -> Option? {
    let option = declared.first { $0.name == name }
    assert(option != nil, "\(typedPath) declares no option \(name)")
    return option
  }

  /// Arguments share the dictionary with options; no option has a name that begins so.
  static func key(argument name: String) -> String { "<" + name }
}
