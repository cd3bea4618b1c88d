// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface
import Testing

/// The declarations decide which completions a shell offers; the scripts of real shells are tested as scenarios.
@Suite("Completions")
struct Completions {
  private func offers(_ words: String...) throws -> [String] {
    guard case .complete(let completion) = try SampleProgram.parser.parse(["--complete"] + words) else { return [] }
    return completion.lines { given in [("a/b", given["home"] ?? ""), ("a/b/1.0.0", ""), ("c/d", "")] }
  }

  private func values(_ lines: [String]) -> [String] {
    lines.map { String($0.prefix { $0 != "\t" }) }
  }

  @Test func `commands and their options are offered with what they are for`() throws {
    #expect(try values(offers("")) == ["exec", "publish", "check", "connection"])
    #expect(try offers("ex") == ["exec\tRun a command."])
    #expect(try offers() == offers(""))
    #expect(try values(offers("exec", "--s")) == ["--signal", "--strict"])
    #expect(try values(offers("publish", "--no")) == ["--no-insights"])
    #expect(try values(offers("connection", "")) == ["set", "show"])
    #expect(try values(offers("connection", "set", "--h")) == ["--home", "--help"])
    #expect(try offers("--v") == ["--version\tShow the version."])
    #expect(try offers("nosuch", "") == [])
    #expect(try offers("exec", "--nosuch", "--x") == [])
  }

  @Test func `listed values are offered, joined with an equals sign or not`() throws {
    #expect(try offers("exec", "--signal", "") == ["TERM", "INT"])
    #expect(try offers("exec", "--signal=T") == ["--signal=TERM"])
    // As bash splits it.
    #expect(try offers("exec", "--signal", "=") == ["TERM", "INT"])
    #expect(try offers("exec", "--signal", "=", "T") == ["TERM"])
    #expect(try offers("connection", "set", "f") == ["file"])
    #expect(try offers("connection", "set", "file", "") == [])
  }

  @Test func `the shell is asked for files, directories and the command line of another program`() throws {
    #expect(try offers("exec", "--input", "") == [":files"])
    #expect(try offers("exec", "-i", "x") == [":files"])
    #expect(try offers("exec", "--input=x") == [":files"])
    #expect(try offers("exec", "--home", "") == [":directories"])
    #expect(try offers("check", "one", "two", "") == [":files"])
    #expect(try offers("check", "--", "-") == [":files"])
    #expect(try offers("exec", "--strict", "--", "cat", "-") == [":command 3"])
    #expect(try offers("exec", "--grace", "") == [])
  }

  @Test func `references are offered for the home that was named`() throws {
    #expect(try offers("exec", "--home", "h", "a") == ["a/b\th", "a/b/1.0.0"])
    #expect(try offers("exec", "--home=h", "a/b") == ["a/b\th", "a/b/1.0.0"])
    #expect(try offers("exec", "a/b", "") == [])
  }
}
