import CommandLineInterface
import Foundation
import Testing

/// Loads every script into its real shell and asks it what it would offer.
@Suite("Completions", .timeLimit(.minutes(1)))
struct Completions {
  @Test(.enabled(if: Shell.exists("bash"), "bash is not installed"))
  func `Bash offers commands, options, listed values and files`() throws {
    let ask = """
      source "$1"
      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tool; echo "${COMPREPLY[*]}"; }
      cd "$2"
      ask tool ''; ask tool exec --s; ask tool exec --signal ''; ask tool exec --signal = T
      ask tool connection ''; ask tool connection set ''; ask tool check no; ask tool exec -- cat no; ask tool publish --no
      """
    #expect(
      try Shell.offers("bash", ask) == [
        "exec publish check connection", "--signal --strict", "TERM INT", "TERM", "set show", "file plaintext",
        "notes of today", "notes of today", "--no-insights",
      ])
  }

  @Test(.enabled(if: Shell.exists("fish"), "fish is not installed"))
  func `Fish offers commands, options, listed values and files`() throws {
    let ask = """
      source $argv[1]; cd $argv[2]
      for line in 'tool ' 'tool exec --s' 'tool exec --signal ' 'tool connection ' 'tool connection set ' \
        'tool check no' 'tool exec -- cat no' 'tool publish --no'
        string join ' ' -- (complete -C $line | string replace -r '\\t.*' '')
      end
      """
    #expect(
      try Shell.offers("fish", ask) == [
        "check connection exec publish", "--signal --strict", "INT TERM", "set show", "file plaintext",
        "notes of today", "notes of today", "--no-insights",
      ])
  }

  @Test(.enabled(if: Shell.exists("zsh"), "zsh is not installed"))
  func `Zsh loads the script and knows a function for every command`() throws {
    let ask = """
      autoload -Uz compinit; compinit -u -D; source $1
      print ${_comps[tool]} ${(k)functions[_tool]} ${(k)functions[_tool_exec]} ${(k)functions[_tool_connection_set]}
      """
    #expect(try Shell.offers("zsh", ask) == ["_tool _tool _tool_exec _tool_connection_set"])
  }

  @Test func `No script mentions what is hidden`() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try #require(try SampleProgram.printed("--generate-completion-script", shell))
      #expect(!script.contains("secret"))
      #expect(try SampleProgram.printed("--generate-completion-script=\(shell)") == script)
    }
  }
}

/// A shell that really runs, with the sample program's script and a directory that holds one file.
private enum Shell {
  static func exists(_ name: String) -> Bool {
    ["/bin/", "/usr/bin/", "/usr/local/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
  }

  static func offers(_ shell: String, _ code: String) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("completions-\(UUID().uuidString)")
    let files = folder.appendingPathComponent("files")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data().write(to: files.appendingPathComponent("notes of today"))
    let script = folder.appendingPathComponent("script")
    try Data((SampleProgram.printed("--generate-completion-script", shell) ?? "").utf8).write(to: script)
    let ask = folder.appendingPathComponent("ask")
    try Data(code.utf8).write(to: ask)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [shell] + (shell == "zsh" ? ["-f"] : []) + [ask.path, script.path, files.path]
    process.environment = ["HOME": folder.path, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
