// SPDX-License-Identifier: Apache-2.0
/// The shells that completions can be written for.
///
/// A script only asks the program: it calls `PROGRAM --complete WORD…`, with the words up to the one being typed, and
/// understands the lines of ``Completion``.
enum CompletionShell: String {
  case bash, zsh, fish

  /// The script for a program of that name.
  func script(for program: String) -> String {
    let function = "_" + program.map { $0 == "-" ? "_" : String($0) }.joined()
    return switch self {
    case .bash: bash(program, function)
    case .zsh: zsh(program, function)
    case .fish: fish(program, function)
    }
  }

  /// Bash may split a word at an equals sign; ``Completion`` accepts both.
  private func bash(_ program: String, _ function: String) -> String {
    """
    # Completions of \(program) for bash. To try them: source <(\(program) --generate-completion-script bash)
    \(function)() {
      local cur=${COMP_WORDS[COMP_CWORD]} line
      COMPREPLY=()
      while IFS= read -r line; do
        case $line in
          :files|:directories)
            [[ $cur == = ]] && cur=
            compopt -o filenames 2>/dev/null
            if [[ $line == :files ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            else mapfile -t COMPREPLY < <(compgen -d -- "$cur"); fi ;;
          :command*)
            local first=$((${line#:command } + 1))
            if declare -F _comp_command_offset >/dev/null; then _comp_command_offset $first
            elif declare -F _command_offset >/dev/null; then _command_offset $first
            elif ((first == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur")
            else compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi ;;
          *) COMPREPLY+=("${line%%$'\\t'*}") ;;
        esac
      done < <("${COMP_WORDS[0]}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    }
    complete -F \(function) \(program)

    """
  }

  private func zsh(_ program: String, _ function: String) -> String {
    """
    #compdef \(program)
    # Completions of \(program) for zsh. Put this file into a directory of $fpath under the name _\(program).
    \(function)() {
      local line
      local -a offered
      for line in ${(f)"$(${(Q)words[1]} --complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)"}; do
        case $line in
          :files|:directories)
            [[ $words[CURRENT] == --*=* ]] && compset -P '*='
            if [[ $line == :files ]]; then _files; else _files -/; fi ;;
          :command*)
            local before=$((${line#:command } + 1))
            shift $before words
            (( CURRENT -= before ))
            _normal ;;
          *) offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}") ;;
        esac
      done
      (( $#offered )) && _describe \(program) offered
    }
    if [[ $funcstack[1] == _\(program) ]]; then \(function); else compdef \(function) \(program); fi

    """
  }

  private func fish(_ program: String, _ function: String) -> String {
    """
    # Completions of \(program) for fish. Put this file into ~/.config/fish/completions as \(program).fish.
    function \(function)
      set -l before (commandline -opc)
      set -l current (commandline -ct)
      for line in ($before[1] --complete $before[2..] "$current" 2>/dev/null)
        switch $line
          case ':files' ':directories'
            set -l option (string match -r -- '^--[^=]*=' "$current")
            set -l path (string replace -- "$option" '' "$current")
            if test $line = ':files'
              string replace -r '^' -- "$option" (__fish_complete_path "$path")
            else
              string replace -r '^' -- "$option" (__fish_complete_directories "$path")
            end
          case ':command *'
            set -l first (math (string replace ':command ' '' $line) + 2)
            complete -C (string join ' ' -- (string escape -- $before[$first..]) "$current")
          case '*'
            echo $line
        end
      end
    end
    complete -c \(program) -f -a '(\(function))'

    """
  }
}
