/// Writes the completion script for zsh: one function a command, found through `fpath` or sourced.
struct ZshCompletion {
  let root: Command

  var script: String {
    let places = CommandPlace.all(of: root)
    return """
      #compdef \(root.name)
      # Completions of \(root.name) for zsh. Put this file into a directory of $fpath under the name _\(root.name).

      \(places.map(function).joined(separator: "\n\n"))

      if [[ $funcstack[1] == _\(root.name) ]]; then
        _\(root.name) "$@"
      else
        compdef _\(root.name) \(root.name)
      fi

      """
  }

  private func function(_ place: CommandPlace) -> String {
    var lines = ["\(Self.name(place.path))() {"]
    if place.command.takesCommandLine {
      // _arguments cannot hand over at "--" and keep what stood before it, so that is done first.
      lines += [
        "  local dashes=${words[(i)--]}",
        "  if (( dashes < CURRENT )); then",
        "    shift $dashes words",
        "    (( CURRENT -= dashes ))",
        "    _normal",
        "    return",
        "  fi",
      ]
    }
    var specifications = place.options.flatMap(Self.specifications)
    specifications.append("'(-h --help)'{-h,--help}'[Show help.]'")
    if place.path.count == 1 {
      specifications.append("'--version[Show the version.]'")
      specifications.append("'--generate-completion-script[Print completions.]:shell:(bash zsh fish)'")
    }
    if place.subcommands.isEmpty {
      for (index, argument) in place.command.arguments.enumerated() {
        let position = argument.arity == .repeating ? "*" : "\(index + 1)"
        let colon = argument.arity == .optional ? "::" : ":"
        let action = Self.action(argument.completion)
        specifications.append("'\(position)\(colon)\(Self.quoted(argument.name)):\(action)'")
      }
      lines.append("  _arguments -s \\\n    " + specifications.joined(separator: " \\\n    "))
    } else {
      specifications += ["'1: :->command'", "'*:: :->rest'"]
      let commands = place.subcommands.map { "      '\($0.name):\(Self.quoted($0.abstract))'" }
      let branches = place.subcommands.map { "        \($0.name)) \(Self.name(place.path + [$0.name])) ;;" }
      lines.append("  local curcontext=\"$curcontext\" state line\n  typeset -A opt_args")
      lines.append("  _arguments -s -C \\\n    " + specifications.joined(separator: " \\\n    "))
      lines.append("  case $state in")
      lines.append("    command)\n      local -a commands=(\n\(commands.joined(separator: "\n"))\n      )")
      lines.append("      _describe command commands ;;")
      lines.append("    rest)\n      case $line[1] in\n\(branches.joined(separator: "\n"))\n      esac ;;")
      lines.append("  esac")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  private static func specifications(_ option: Option) -> [String] {
    let help = "[\(quoted(option.help))]"
    guard let metavariable = option.metavariable else {
      return option.spellings.map { "'(\(option.spellings.joined(separator: " ")))\($0)\(help)'" }
    }
    var exclusion = "(\(option.spellings.joined(separator: " ")))"
    if case .repeatable = option.kind { exclusion = "*" }
    return option.spellings.map { spelling in
      let joined = spelling.hasPrefix("--") ? "=" : "+"
      return "'\(exclusion)\(spelling)\(joined)\(help):\(quoted(metavariable)):\(action(option.completion))'"
    }
  }

  private static func action(_ completion: ValueCompletion) -> String {
    switch completion {
    case .none: " "
    case .file: "_files"
    case .directory: "_files -/"
    case .choices(let values): "(\(values.joined(separator: " ")))"
    }
  }

  private static func name(_ path: [String]) -> String { "_" + path.joined(separator: "_") }

  /// For use inside single quotes and inside the brackets and colons of a specification.
  private static func quoted(_ text: String) -> String {
    text.map { character in
      switch character {
      case "'": "'\\''"
      case "[", "]", ":", "\\": "\\\(character)"
      default: String(character)
      }
    }.joined()
  }
}
