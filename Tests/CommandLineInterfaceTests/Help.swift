// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface
import Testing

@Suite("Help")
struct Help {
  @Test func `Help for a command is the same by option, by letter and by the help command`() throws {
    let help = try #require(try SampleProgram.printed("exec", "--help"))
    #expect(try SampleProgram.printed("exec", "a/b", "-h") == help)
    #expect(try SampleProgram.printed("help", "exec") == help)
    #expect(
      try SampleProgram.printed("connection", "set", "--help") == SampleProgram.printed("help", "connection", "set"))
  }

  @Test func `Help wins over whatever is wrong with the line`() throws {
    #expect(try SampleProgram.printed("exec", "--bogus", "--help") != nil)
    #expect(try SampleProgram.printed("publish", "--help") != nil)
  }

  @Test func `A program or a group without a subcommand prints its help`() throws {
    #expect(try SampleProgram.printed()?.contains("SUBCOMMANDS:\n  exec  ") == true)
    #expect(try SampleProgram.printed("connection")?.contains("USAGE: tool connection [options] SUBCOMMAND") == true)
  }

  @Test func `Help shows usage, arguments, options with values and defaults, and examples`() throws {
    let help = try #require(try SampleProgram.printed("exec", "--help"))
    for part in [
      "OVERVIEW: Run a command.\n\nIt is waited for.\n\nIts status is returned.\n",
      "USAGE: tool exec [REF] [options] [-- COMMAND...]\n", "ARGUMENTS:\n  REF                     A version.\n",
      "  -i, --input FILE        Standard input.\n", "How long to wait. (default: 5s)\n", "(values: TERM,",
      "  -h, --help              Show help.\n", "EXAMPLES:\n  Run true.\n      tool exec a/b -- true\n",
    ] {
      #expect(help.contains(part), "\(part) is not in:\n\(help)")
    }
    let publish = try #require(try SampleProgram.printed("publish", "--help"))
    #expect(publish.contains("USAGE: tool publish NAME [options] -- COMMAND...\n"))
    #expect(publish.contains("  --insights/--no-insights\n                          Publish payloads.\n"))
    #expect(publish.contains("  -X key=value            A property. May be given again.\n"))
  }

  @Test func `No line is wider than 80 columns`() throws {
    for name in ["exec", "publish", "check", "connection"] {
      let help = try #require(try SampleProgram.printed(name, "--help"))
      for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test func `The version is asked for`() throws {
    guard case .version = try SampleProgram.parser.parse(["--version"]) else {
      Issue.record("--version asks for something else")
      return
    }
  }
}
