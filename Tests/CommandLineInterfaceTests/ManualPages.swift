// SPDX-License-Identifier: Apache-2.0
import CommandLineInterface
import Testing

@Suite("Manual pages")
struct ManualPages {
  private func pages() throws -> [String: String] {
    guard case .manual(let pages, let folder) = try SampleProgram.parser.parse(["--generate-manual", "out"]) else {
      return [:]
    }
    #expect(folder == "out")
    return Dictionary(uniqueKeysWithValues: pages.map { ($0.file, $0.text) })
  }

  @Test func `each command has a page`() throws {
    #expect(
      try pages().keys.sorted() == [
        "tool-check.1", "tool-connection-set.1", "tool-connection-show.1", "tool-connection.1", "tool-exec.1",
        "tool-publish.1", "tool.1",
      ])
  }

  @Test func `a page has what the help has, and its characters mean themselves`() throws {
    let page = try #require(try pages()["tool-exec.1"])
    for part in [
      #".TH "TOOL\-EXEC" 1 "" "tool 1.2.3" "User Commands""#, "\n.SH NAME\ntool\\-exec \\- Run a command\n",
      "\n.SH SYNOPSIS\n.B tool exec [REF] [options] [\\-\\- COMMAND...]\n", "\n.PP\nIts status is returned.\n",
      "\n.SH ARGUMENTS\n.TP\n.B REF\nA version.\n", "\n.TP\n.B \\-i, \\-\\-input FILE\nStandard input.\n",
      "\n.TP\n.B \\-\\-grace D\nHow long to wait. (default: 5s)\n", "\nRun true.:\n",
      "\n.nf\ntool exec a/b \\-\\- true\n.fi\n", "\n.SH SEE ALSO\ntool(1)\n",
    ] {
      #expect(page.contains(part), "\(part) is not in:\n\(page)")
    }
    #expect(try pages()["tool.1"]?.contains("\n.TP\n.B tool\\-exec(1)\nRun a command.\n") == true)
  }

  @Test func `a folder is needed`() {
    #expect(SampleProgram.refusal("--generate-manual")?.contains("DIR") == true)
  }
}
