// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface
import Testing

@Suite("Refusing command lines")
struct RefusingCommandLines {
  private let more = " See 'tool exec --help' for more."

  @Test func `A misspelt option is named, with the one that was probably meant`() {
    let meant = [
      "--inptu": "--input", "--stric": "--strict", "--Grace": "--grace", "--hlep": "--help", "--si": "--signal",
    ]
    for (typed, suggestion) in meant {
      #expect(
        SampleProgram.refusal("exec", typed) == "Unknown option '\(typed)'. Did you mean '\(suggestion)'?" + more)
    }
  }

  @Test func `Nothing is suggested if nothing is near`() {
    #expect(SampleProgram.refusal("exec", "--frobnicate") == "Unknown option '--frobnicate'." + more)
    #expect(SampleProgram.refusal("exec", "-z") == "Unknown option '-z'." + more)
  }

  @Test func `A misspelt command is named, with the one that was probably meant`() {
    #expect(
      SampleProgram.refusal("exce") == "Unknown command 'exce'. Did you mean 'exec'? See 'tool --help' for more.")
    #expect(
      SampleProgram.refusal("connection", "sho")
        == "Unknown command 'sho'. Did you mean 'show'? See 'tool connection --help' for more.")
    #expect(SampleProgram.refusal("help", "zzz") == "Unknown command 'zzz'. See 'tool --help' for more.")
  }

  @Test func `An option does not swallow the next one as its value`() {
    #expect(SampleProgram.refusal("exec", "--input") == "Option '--input' needs a value: --input FILE." + more)
    #expect(
      SampleProgram.refusal("exec", "--input", "--", "c") == "Option '--input' needs a value: --input FILE." + more)
    #expect(
      SampleProgram.refusal("exec", "--input", "--strict")
        == "Option '--input' needs a value; one that begins with a dash is written --input=--strict." + more)
    #expect(
      SampleProgram.refusal("exec", "-i", "-5")
        == "Option '-i' needs a value; one that begins with a dash is written -i-5." + more)
  }

  @Test func `A flag takes no value`() {
    #expect(SampleProgram.refusal("exec", "--strict=yes") == "Option '--strict' takes no value." + more)
  }

  @Test func `A value outside the listed ones is refused, for options and arguments`() {
    #expect(
      SampleProgram.refusal("exec", "--signal", "KILL")
        == "'KILL' is not valid for '--signal': expected one of TERM, INT." + more)
    #expect(
      SampleProgram.refusal("connection", "set", "tls")?.hasPrefix(
        "'tls' is not valid for 'TYPE': expected one of file, plaintext.") == true)
  }

  @Test func `A missing argument is named, one too many is quoted`() {
    #expect(SampleProgram.refusal("publish", "--", "c") == "Missing NAME. See 'tool publish --help' for more.")
    #expect(
      SampleProgram.refusal("exec", "a/b", "python3")
        == "Unexpected argument 'python3'; a command to run is written after '--'." + more)
    #expect(SampleProgram.refusal("exec", "a", "b", "--", "c") == "Unexpected argument 'b'." + more)
  }

  @Test func `A command line that is needed but absent or empty is asked for`() {
    #expect(
      SampleProgram.refusal("publish", "n")
        == "Missing the command to run: write it after '--'. See 'tool publish --help' for more.")
    #expect(SampleProgram.refusal("exec", "--")?.hasPrefix("Nothing follows '--'") == true)
  }

  @Test func `An unknown shell is refused with the known ones`() {
    #expect(
      SampleProgram.refusal("--generate-completion-script", "tcsh")
        == "'tcsh' is not valid for '--generate-completion-script': expected bash, zsh or fish. "
        + "See 'tool --help' for more.")
    #expect(SampleProgram.refusal("--generate-completion-script")?.hasPrefix("Option") == true)
  }

  @Test func `What a command finds wrong with its values reads like any other refusal`() throws {
    let invocation = try #require(try SampleProgram.run("exec"))
    #expect(
      invocation.invalid("grace", value: "soon", expected: "a duration such as 30s").description
        == "'soon' is not valid for '--grace': expected a duration such as 30s." + more)
    #expect(
      invocation.conflict("--version", "--bump").description == "--version and --bump cannot be given together." + more)
    #expect(
      invocation.missing("REF or a command after '--'").description == "Missing REF or a command after '--'." + more)
  }
}
