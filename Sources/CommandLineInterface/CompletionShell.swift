/// The shells that completions can be written for.
enum CompletionShell: String {
  case bash, zsh, fish

  func script(for root: Command) -> String {
    switch self {
    case .bash: BashCompletion(root: root).script
    case .zsh: ZshCompletion(root: root).script
    case .fish: FishCompletion(root: root).script
    }
  }
}

/// A command, and the names that lead to it from the program on.
struct CommandPlace {
  let command: Command
  let path: [String]
  /// Its own and those of the commands above it.
  let options: [Option]

  /// Every visible command of a tree, the program first.
  static func all(of root: Command) -> [CommandPlace] {
    func walk(_ command: Command, _ path: [String], _ inherited: [Option]) -> [CommandPlace] {
      let options = command.options.filter { !$0.isHidden } + inherited
      let path = path + [command.name]
      let below = command.subcommands.filter { !$0.isHidden }.flatMap { walk($0, path, options) }
      return [CommandPlace(command: command, path: path, options: options)] + below
    }
    return walk(root, [], [])
  }

  var subcommands: [Command] { command.subcommands.filter { !$0.isHidden } }
}
