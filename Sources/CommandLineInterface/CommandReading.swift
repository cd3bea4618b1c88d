// SPDX-License-Identifier: Apache-2.0
/// The state of one command line while it is being read.
struct CommandReading {
  private(set) var path: [Command]
  var positional: [String] = []
  private var given = GivenValues()
  private var commandLine: [String]?

  init(root: Command) { path = [root] }

  var command: Command { path[path.count - 1] }
  var typedPath: String { Invocation.typed(path) }
  /// A command also understands the options of those above it, before or after its own name.
  private var declared: [Option] { path.reversed().flatMap(\.options) }

  mutating func enter(_ name: String) throws(UsageError) {
    guard let next = command.subcommands.first(where: { $0.name == name }) else {
      guard !command.subcommands.isEmpty else {
        throw UsageError(typedPath, .unexpectedArgument(name, belongsAfterDashes: false))
      }
      let names = command.subcommands.map(\.name)
      throw UsageError(typedPath, .unknownCommand(name, suggestion: Suggestion.nearest(to: name, among: names)))
    }
    path.append(next)
  }

  mutating func takeOption(_ word: String, rest: inout ArraySlice<String>) throws(UsageError) {
    guard word.hasPrefix("--") else { return try takeLetters(word.dropFirst(), rest: &rest) }
    let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
    let spelling = String(word[..<(equals ?? word.endIndex)])
    let value = equals.map { String(word[word.utf8.index(after: $0)...]) }
    guard let option = option(spelled: spelling) else { throw unknown(spelling) }
    guard option.metavariable != nil else {
      if value != nil { throw UsageError(typedPath, .unwantedValue(option: spelling)) }
      given[option.name] = [spelling == Option.dashed(option.name) ? "yes" : "no"]
      return
    }
    try give(option, spelling, value, &rest)
  }

  /// `-j 4`, `-j4`, `-j=4`, and flags in a row: `-qj4`.
  private mutating func takeLetters(_ letters: Substring, rest: inout ArraySlice<String>) throws(UsageError) {
    var letters = letters
    while let letter = letters.popFirst() {
      guard let option = option(spelled: "-\(letter)") else { throw unknown("-\(letter)") }
      guard option.metavariable != nil else {
        given[option.name] = ["yes"]
        continue
      }
      if letters.first == "=" { letters.removeFirst() }
      return try give(option, "-\(letter)", letters.isEmpty ? nil : String(letters), &rest)
    }
  }

  private mutating func give(
    _ option: Option, _ spelling: String, _ joined: String?, _ rest: inout ArraySlice<String>
  ) throws(UsageError) {
    var value = joined
    // A word with a dash is far more often the next option than a value: `--report --strict` must not write a
    // file named --strict. Such a value can be joined with "=".
    if joined == nil, let next = rest.first, next == "-" || next.utf8.first != UInt8(ascii: "-") {
      value = rest.removeFirst()
    }
    guard let value else {
      let refused = rest.first.flatMap { $0 == "--" ? nil : $0 }
      throw UsageError(
        typedPath,
        .missingValue(option: spelling, metavariable: option.metavariable ?? "VALUE", refused: refused))
    }
    try check(value, of: spelling, option.completion)
    if case .repeatable = option.kind {
      given[option.name] = (given[option.name] ?? []) + [value]
    } else {
      given[option.name] = [value]
    }
  }

  /// The words after `--`: another program's command line, or arguments that may begin with a dash.
  mutating func takeRest(_ words: ArraySlice<String>) throws(UsageError) {
    guard command.takesCommandLine else { return positional += words }
    guard !words.isEmpty else { throw UsageError(typedPath, .emptyCommandLine) }
    commandLine = Array(words)
  }

  consuming func finish() throws(UsageError) -> Invocation {
    var words = positional[...]
    for argument in command.arguments {
      let taken = argument.arity == .repeating ? words : words.prefix(1)
      if taken.isEmpty, argument.arity == .required { throw UsageError(typedPath, .missing(argument.name)) }
      for word in taken { try check(word, of: argument.name, argument.completion) }
      if !taken.isEmpty { given[Invocation.key(argument: argument.name)] = Array(taken) }
      words = words.dropFirst(taken.count)
    }
    if let extra = words.first {
      throw UsageError(
        typedPath,
        .unexpectedArgument(extra, belongsAfterDashes: command.takesCommandLine && commandLine == nil))
    }
    if command.requiresCommandLine, commandLine == nil { throw UsageError(typedPath, .missingCommandLine) }
    return Invocation(
      command: command, path: path, commandLine: commandLine, given: given, declared: declared)
  }

  private func check(_ value: String, of name: String, _ completion: ValueCompletion) throws(UsageError) {
    let choices = completion.choices
    guard !choices.isEmpty, !choices.contains(value) else { return }
    let expected = choices.count == 1 ? choices[0] : "one of " + choices.joined(separator: ", ")
    throw UsageError(typedPath, .invalidValue(name: name, value: value, expected: expected))
  }

  private func option(spelled spelling: String) -> Option? { declared.first { $0.spellings.contains(spelling) } }

  private func unknown(_ spelling: String) -> UsageError {
    let known = declared.flatMap(\.spellings) + ["--help"]
    return UsageError(
      typedPath, .unknownOption(spelling, suggestion: Suggestion.nearest(to: spelling, among: known)))
  }
}
