// SPDX-License-Identifier: Apache-2.0
import ProcessSupervision
import RunModel
import Testing

/// Where a program is looked for, as a shell would.
@Suite struct ProgramSearchTests {
  private func candidates(_ program: String, _ environment: String...) -> [OSString] {
    ProgramSearch.candidates(for: OSString(program), environment: environment.map { OSString($0) })
  }

  @Test func `a name is looked for in the directories of the child's own PATH, in their order`() {
    #expect(candidates("tr", "A=1", "PATH=/one:/two") == [OSString("/one/tr"), OSString("/two/tr")])
  }

  @Test func `an empty entry of PATH is the working directory`() {
    #expect(candidates("tr", "PATH=:/two:") == [OSString("./tr"), OSString("/two/tr"), OSString("./tr")])
  }

  @Test func `without PATH the system's directories are searched`() {
    #expect(candidates("tr") == [OSString("/bin/tr"), OSString("/usr/bin/tr")])
  }

  @Test func `a path is taken as it is, and an empty name finds nothing`() {
    #expect(candidates("./tr", "PATH=/one") == [OSString("./tr")])
    #expect(candidates("", "PATH=/one").isEmpty)
  }
}
