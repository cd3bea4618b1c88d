// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface
import Testing

@Suite("Reading command lines")
struct ReadingCommandLines {
  @Test func `A value may follow its option, or be joined with an equals sign`() throws {
    for line in [["--input", "f"], ["--input=f"], ["-i", "f"], ["-if"], ["-i=f"]] {
      guard case .run(let invocation) = try SampleProgram.parser.parse(["exec"] + line) else {
        Issue.record("\(line) ran nothing")
        continue
      }
      #expect(invocation.value("input") == "f")
    }
  }

  @Test func `A joined value may hold anything, also dashes, equals signs and nothing at all`() throws {
    #expect(try SampleProgram.run("exec", "--input=-x=--y")?.value("input") == "-x=--y")
    #expect(try SampleProgram.run("exec", "--input=")?.value("input") == "")
    #expect(try SampleProgram.run("publish", "n", "-X", "a=b=c", "--", "c")?.values("X") == ["a=b=c"])
  }

  @Test func `The last of several values counts, unless the option is repeatable`() throws {
    #expect(try SampleProgram.run("exec", "--grace", "1s", "--grace", "2s")?.value("grace") == "2s")
    let publish = try SampleProgram.run("publish", "--env", "A=1", "n", "--env=B=2", "-XC=3", "--", "c")
    #expect(publish?.values("env") == ["A=1", "B=2"])
    #expect(publish?.values("X") == ["C=3"])
  }

  @Test func `A default counts when nothing is given, and is distinguished from a given value`() throws {
    let plain = try SampleProgram.run("exec")
    #expect(plain?.value("grace") == "5s")
    #expect(plain?.isGiven("grace") == false)
    #expect(try SampleProgram.run("exec", "--grace", "5s")?.isGiven("grace") == true)
    #expect(plain?.value("input") == nil)
  }

  @Test func `Of a pair the last one counts, and neither is a third answer`() throws {
    #expect(try SampleProgram.run("publish", "n", "--insights", "--", "c")?.optionalFlag("insights") == true)
    #expect(try SampleProgram.run("publish", "n", "--no-insights", "--", "c")?.optionalFlag("insights") == false)
    #expect(
      try SampleProgram.run("publish", "n", "--no-insights", "--insights", "--", "c")?.optionalFlag("insights") == true)
    #expect(try SampleProgram.run("publish", "n", "--", "c")?.optionalFlag("insights") == nil)
  }

  @Test func `Letters may be written in a row, the last one with its value`() throws {
    let invocation = try SampleProgram.run("exec", "-sqi", "f")
    #expect(invocation?.flag("strict") == true)
    #expect(invocation?.flag("quiet") == true)
    #expect(invocation?.value("input") == "f")
  }

  @Test func `Options may follow arguments`() throws {
    let invocation = try SampleProgram.run("exec", "a/b", "--strict")
    #expect(invocation?.argument("REF") == "a/b")
    #expect(invocation?.flag("strict") == true)
  }

  @Test func `What follows the dashes is kept word for word`() throws {
    let line = ["--help", "-x", "--", "", "a b", "--strict", "é\u{0}"]
    guard case .run(let invocation) = try SampleProgram.parser.parse(["exec", "a/b", "--"] + line) else {
      Issue.record("help was printed for another program's --help")
      return
    }
    #expect(invocation.commandLine == line)
    #expect(invocation.flag("strict") == false)
  }

  @Test func `A command line that was not given is nil`() throws {
    #expect(try SampleProgram.run("exec", "a/b")?.commandLine == nil)
  }

  @Test func `For a command that runs no other, the dashes only end its options`() throws {
    #expect(try SampleProgram.run("check", "a", "--", "-b", "--")?.arguments("FILE") == ["a", "-b", "--"])
  }

  @Test func `A dash alone is an argument or a value`() throws {
    #expect(try SampleProgram.run("check", "-", "x")?.arguments("FILE") == ["-", "x"])
    #expect(try SampleProgram.run("exec", "--input", "-")?.value("input") == "-")
  }

  @Test func `A subcommand understands the options of the command above it, on either side of its name`() throws {
    for line in [["connection", "--home", "h", "show"], ["connection", "show", "--home", "h"]] {
      guard case .run(let invocation) = try SampleProgram.parser.parse(line) else { continue }
      #expect(invocation.commandPath == ["connection", "show"])
      #expect(invocation.value("home") == "h")
    }
  }
}
