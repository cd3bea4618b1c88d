/// Writes the completion script for fish: one `complete` line for each option of each command.
struct FishCompletion {
  let root: Command

  var script: String {
    let places = CommandPlace.all(of: root)
    let function = "__" + root.name.map { $0 == "-" ? "_" : String($0) }.joined()
    let known = places.dropFirst().map { "'\($0.path.dropFirst().joined(separator: " "))'" }
    let hosts = places.filter(\.command.takesCommandLine).map { "'\($0.path.dropFirst().joined(separator: " "))'" }
    return """
      # Completions of \(root.name) for fish. Put this file into ~/.config/fish/completions as \(root.name).fish.
      function \(function)_place --description 'The subcommands typed so far'
        set -l place
        for word in (commandline -opc)[2..]
          test "$word" = --; and break
          contains -- (string join ' ' -- $place $word) \(known.joined(separator: " ")); and set -a place $word
        end
        string join ' ' -- $place
      end

      function \(function)_at
        contains -- -- (commandline -opc); and return 1
        set -l place (\(function)_place)
        test "$place" = "$argv"
      end

      function \(function)_after_dashes
        set -l place (\(function)_place)
        contains -- -- (commandline -opc); and contains -- "$place" \(hosts.joined(separator: " "))
      end

      function \(function)_command_line --description 'Completions of the command after --'
        set -l words (commandline -opc)
        set -l rest $words[(math (contains -i -- -- $words) + 1)..]
        complete -C (string join ' ' -- (string escape -- $rest) (commandline -ct))
      end

      complete -c \(root.name) -f
      complete -c \(root.name) -n \(function)_after_dashes -a '(\(function)_command_line)'
      \(places.flatMap { lines($0, function) }.joined(separator: "\n"))

      """
  }

  private func lines(_ place: CommandPlace, _ function: String) -> [String] {
    let start = "complete -c \(root.name) -n '\(function)_at \(place.path.dropFirst().joined(separator: " "))'"
    var lines = place.subcommands.map { "\(start) -a \($0.name) -d \(Self.quoted($0.abstract))" }
    for argument in place.command.arguments {
      if let action = Self.action(argument.completion) { lines.append("\(start) \(action)") }
    }
    for option in place.options {
      let help = " -d \(Self.quoted(option.help))"
      let value = option.metavariable == nil ? "" : " " + (Self.action(option.completion) ?? "-x")
      var names = (option.name.utf8.count == 1 ? " -s " : " -l ") + option.name
      if let short = option.short { names += " -s \(short)" }
      lines.append(start + names + value + help)
      if option.kind.isInvertible { lines.append("\(start) -l no-\(option.name)\(help)") }
    }
    lines.append("\(start) -s h -l help -d 'Show help.'")
    if place.path.count == 1 { lines.append("\(start) -l version -d 'Show the version.'") }
    return lines
  }

  private static func action(_ completion: ValueCompletion) -> String? {
    switch completion {
    case .none: nil
    case .file: "-r -F"
    case .directory: "-x -a '(__fish_complete_directories)'"
    case .choices(let values): "-x -a \(quoted(values.joined(separator: " ")))"
    }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
  }
}
