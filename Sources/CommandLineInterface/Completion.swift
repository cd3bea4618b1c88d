// SPDX-License-Identifier: Apache-2.0
/// Completions for the last of some words; the script for each shell (``CompletionShell``) asks for it.
public struct Completion: Sendable {
  private let root: Command
  private let words: ArraySlice<String>
  private let current: String

  /// - Parameter words: what follows the program's name, up to the word that is being typed, which may be empty.
  init(root: Command, words: ArraySlice<String>) {
    self.root = root
    self.words = words.dropLast()
    current = words.last ?? ""
  }

  /// One line each for a value, with its description after a tab; or one line that asks the shell for something:
  /// `:files`, `:directories`, or `:command N` for the command line of another program, which begins at word N.
  ///
  /// - Parameter references: returns the completions of ``ValueCompletion/reference``, from the value of each option
  ///   that was given.
  public func lines(references: (_ given: [String: String]) -> [(String, String)]) -> [String] {
    var path = [root]
    var given: [String: String] = [:]
    var valued: Option?
    var position = 0
    var areOptionsOver = false
    for (index, word) in words.enumerated() {
      if let option = valued {
        // Bash splits --name=value at the equals sign.
        if word != "=" { (given[option.name], valued) = (word, nil) }
      } else if areOptionsOver || !word.hasPrefix("-") || word == "-" {
        if let next = path[path.count - 1].subcommands.first(where: { $0.name == word }) {
          path.append(next)
        } else {
          guard path[path.count - 1].isRunnable else { return [] }
          position += 1
        }
      } else if word == "--" {
        if path[path.count - 1].takesCommandLine { return [":command \(index + 1)"] }
        areOptionsOver = true
      } else {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let option = option(String(parts[0]), path)
        if option?.metavariable != nil, parts.count == 1 { valued = option }
        if let option, parts.count == 2 { given[option.name] = String(parts[1]) }
      }
    }
    if let option = valued {
      return values(option.completion, current == "=" ? "" : current, before: "", given, references)
    }
    let command = path[path.count - 1]
    if current.hasPrefix("-"), !areOptionsOver {
      if let equals = current.utf8.firstIndex(of: UInt8(ascii: "=")) {
        let completion = option(String(current[..<equals]), path)?.completion ?? .none
        let start = current.utf8.index(after: equals)
        return values(completion, String(current[start...]), before: String(current[..<start]), given, references)
      }
      return matching(options(path), current)
    }
    var offered: [String] = []
    if position == 0 { offered = matching(command.subcommands.map { ($0.name, $0.abstract) }, current) }
    let isRepeated = command.arguments.last?.arity == .repeating
    let place = isRepeated ? min(position, command.arguments.count - 1) : position
    guard command.arguments.indices.contains(place) else { return offered }
    return offered + values(command.arguments[place].completion, current, before: "", given, references)
  }

  private func option(_ spelling: String, _ path: [Command]) -> Option? {
    path.flatMap(\.options).first { $0.spellings.contains(spelling) }
  }

  private func options(_ path: [Command]) -> [(String, String)] {
    var offered = path.reversed().flatMap(\.options).flatMap { option in option.spellings.map { ($0, option.help) } }
    offered.append(("--help", "Show help."))
    if path.count == 1 { offered.append(("--version", "Show the version.")) }
    return offered
  }

  private func values(
    _ completion: ValueCompletion, _ typed: String, before: String, _ given: [String: String],
    _ references: ([String: String]) -> [(String, String)]
  ) -> [String] {
    switch completion {
    case .none: []
    case .file: [":files"]
    case .directory: [":directories"]
    case .choices(let values): matching(values.map { (before + $0, "") }, before + typed)
    case .reference: matching(references(given).map { (before + $0.0, $0.1) }, before + typed)
    }
  }

  private func matching(_ offered: [(String, String)], _ typed: String) -> [String] {
    offered.filter { $0.0.hasPrefix(typed) }.map { $0.1.isEmpty ? $0.0 : "\($0.0)\t\($0.1)" }
  }
}
