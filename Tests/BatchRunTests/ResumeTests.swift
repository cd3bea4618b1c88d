// SPDX-License-Identifier: Apache-2.0
import Execution
import RunModel
import Testing

@testable import BatchRun

/// The output file is the journal: requests that succeeded in it are not run again, and no other is left out.
@Suite struct ResumeTests {
  let directory = ScratchDirectory()
  let version = "demo/echo/1.0.0"

  private func digest(_ text: String) -> SHA256.Digest { Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0) } }

  private func line(
    _ input: String, _ outcome: Outcome, version: String? = nil, occurrence: Int = 1, result: String = "\"r\""
  ) -> String {
    "{\"index\":0,\"source\":\"r:1\",\"input_sha256\":\"\(digest(input).hexadecimal)\","
      + (occurrence > 1 ? "\"occurrence\":\(occurrence)," : "") + "\"request_id\":\"req\","
      + "\"algorithm\":\"\(version ?? self.version)\",\"outcome\":\"\(outcome.rawValue)\",\"result\":\(result)}\n"
  }

  private func journal(_ path: String) throws -> (journal: ResumeJournal, file: OutputFile) {
    let file = try OutputFile(path: path)
    return (try ResumeJournal(reading: file, algorithm: version, spillDirectory: directory.path), file)
  }

  @Test func `each success answers for one occurrence of its input`() throws {
    let path = directory.write("out", line("a", .succeeded, occurrence: 2) + line("b", .succeeded))
    let succeeded = try journal(path).journal.succeeded
    #expect(try succeeded.count(.init(digest("a"), occurrence: 1)) == 0)
    #expect(try succeeded.count(.init(digest("a"), occurrence: 2)) == 1)
    #expect(try succeeded.count(.init(digest("b"), occurrence: 1)) == 1)
    #expect(try succeeded.count(.init(digest("b"), occurrence: 2)) == 0)
    #expect(try succeeded.count(.init(digest("c"), occurrence: 1)) == 0)
  }

  @Test func `failures and other versions answer for nothing`() throws {
    let path = directory.write(
      "out", line("a", .failed) + line("b", .succeeded, version: "demo/echo/1.0.1") + line("c", .timedOut))
    let read = try journal(path).journal
    for input in ["a", "b", "c"] { #expect(try read.succeeded.count(.init(digest(input), occurrence: 1)) == 0) }
    #expect(read.failedLines == 2)
  }

  @Test func `lines of failures go, all others stay byte for byte`() throws {
    let kept = [
      line("a", .succeeded), "not ours\n", line("b", .failed, version: "demo/other/1.0.0"), line("c", .succeeded),
    ]
    let path = directory.write(
      "out",
      line("x", .failed) + kept[0] + line("y", .signaled) + line("z", .failedToStart) + kept[1] + kept[2]
        + line("q", .timedOut) + kept[3])
    let (journal, file) = try journal(path)
    _ = try journal.withoutFailures(in: file, algorithm: version)
    #expect(directory.read("out") == kept.joined())
    #expect(journal.foreignLines == 1)
    #expect(directory.names == ["out"])
  }

  @Test func `a line is read back whatever the size of its result`() throws {
    let large = "\"" + String(repeating: "x", count: 700_000) + "\""
    let path = directory.write("out", line("a", .succeeded, result: large) + line("b", .succeeded))
    let succeeded = try journal(path).journal.succeeded
    #expect(try succeeded.count(.init(digest("a"), occurrence: 1)) == 1)
    #expect(try succeeded.count(.init(digest("b"), occurrence: 1)) == 1)
  }

  @Test(arguments: [
    "{\"index\":3,\"source\"", "{", "{\"index\":3,\"input_sha256\":\"\(String(repeating: "x", count: 100_000))",
  ])
  func `a torn last line is cut, and nothing else`(torn: String) throws {
    let whole = line("a", .succeeded) + line("b", .succeeded)
    let file = try OutputFile(path: directory.write("out", whole + torn))
    file.cutTornLine()
    #expect(directory.read("out") == whole)
  }

  @Test(arguments: ["a,b\n1,2\n", "{\"cats\":1}\n{\"cats\":2}\n", "no newline at all", "\u{1}\u{2}PNG"])
  func `a file that holds no results is left alone`(content: String) throws {
    let path = directory.write("out", content)
    #expect(throws: BatchFailure.notResults(path: path)) { _ = try journal(path) }
    #expect(directory.read("out") == content)
  }

  @Test func `two batches cannot write one file`() throws {
    let path = directory.write("out", "")
    let first = try OutputFile(path: path)
    #expect(throws: BatchFailure.outputIsBusy(path: path)) { _ = try OutputFile(path: path) }
    withExtendedLifetime(first) {}
  }

  @Test func `the table distinguishes keys that share a slot`() throws {
    let table = try DiskHashTable(directory: directory.path)
    func colliding(_ number: UInt64) throws -> DiskHashTable.Key {
      let text = String(repeating: "0", count: 31) + "\(number)" + String(repeating: "0", count: 32)
      return .init(try #require(SHA256.Digest(hexadecimal: text)))
    }
    for number in UInt64(1)...9 { try table.increment(try colliding(number)) }
    for number in UInt64(1)...9 { #expect(try table.increment(try colliding(number)) == 2) }
    #expect(try table.count(try colliding(0)) == 0)
  }

  @Test func `a table that grows forgets nothing`() throws {
    let table = try DiskHashTable(directory: directory.path)
    for number in 0..<5000 { #expect(try table.increment(.init(digest("\(number)"))) == 1) }
    for number in 0..<5000 { #expect(try table.count(.init(digest("\(number)"))) == 1) }
    #expect(try table.count(.init(digest("5000"))) == 0)
    #expect(directory.names.isEmpty)
  }
}
