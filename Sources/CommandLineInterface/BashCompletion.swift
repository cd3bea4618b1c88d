/// Writes the completion script for bash; it runs without the program and without the bash-completion package.
struct BashCompletion {
  let root: Command

  var script: String {
    let places = CommandPlace.all(of: root)
    let function = "_" + root.name.map { $0 == "-" ? "_" : String($0) }.joined()
    return """
      # Completions of \(root.name) for bash. To try them: source <(\(root.name) --generate-completion-script bash)
      \(function)_files() {
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
      }

      \(function)() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} place=\(root.name) word i
        COMPREPLY=()
        # Bash splits --name=value at the equals sign.
        if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
        for ((i = 1; i < COMP_CWORD; i++)); do
          word=${COMP_WORDS[i]}
          case "$place $word" in
            *" --")
              case "$place" in
                \(Self.pattern(places.filter(\.command.takesCommandLine).map(\.path), suffix: ")"))
                  # What follows is another program's command line.
                  if declare -F _comp_command_offset >/dev/null; then _comp_command_offset $((i + 1))
                  elif declare -F _command_offset >/dev/null; then _command_offset $((i + 1))
                  elif ((i + 1 == COMP_CWORD)); then \(function)_files -c "$cur"
                  else \(function)_files -f "$cur"
                  fi ;;
                *) \(function)_files -f "$cur" ;;
              esac
              return ;;
            \(Self.pattern(places.filter { $0.path.count > 1 }.map(\.path), suffix: ")")) place="$place $word" ;;
          esac
        done
        case "$place" in
      \(places.map { branch($0, function) }.joined(separator: "\n"))
        esac
      }
      complete -F \(function) \(root.name)

      """
  }

  private func branch(_ place: CommandPlace, _ function: String) -> String {
    var lines = ["    \(Self.pattern([place.path], suffix: ")"))", "      case \"$prev\" in"]
    for option in place.options where option.metavariable != nil {
      let action = Self.action(option.completion, function) ?? ":"
      lines.append("        \(option.spellings.joined(separator: "|"))) \(action); return ;;")
    }
    lines.append("      esac")
    let names = place.options.flatMap(\.spellings) + ["--help"] + (place.path.count == 1 ? ["--version"] : [])
    lines.append("      if [[ $cur == -* ]]; then \(Self.oneOf(names))")
    let words = place.subcommands.map(\.name) + place.command.arguments.flatMap(\.completion.choices)
    if !words.isEmpty {
      lines.append("      else \(Self.oneOf(words))")
    } else if let action = place.command.arguments.compactMap({ Self.action($0.completion, function) }).first {
      lines.append("      else \(action)")
    }
    return (lines + ["      fi ;;"]).joined(separator: "\n")
  }

  private static func action(_ completion: ValueCompletion, _ function: String) -> String? {
    switch completion {
    case .none: nil
    case .file: "\(function)_files -f \"$cur\""
    case .directory: "\(function)_files -d \"$cur\""
    case .choices(let values): oneOf(values)
    }
  }

  private static func oneOf(_ words: [String]) -> String {
    "mapfile -t COMPREPLY < <(compgen -W \"\(words.joined(separator: " "))\" -- \"$cur\")"
  }

  private static func pattern(_ paths: [[String]], suffix: String) -> String {
    (paths.isEmpty ? "''" : paths.map { "\"\($0.joined(separator: " "))\"" }.joined(separator: "|")) + suffix
  }
}
