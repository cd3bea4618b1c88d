import RunModel
import Testing

@testable import BatchRun

/// The output file is the journal: what it says has succeeded is not run again, and nothing else is left out.
@Suite struct ResumeTests {
  let directory = ScratchDirectory()
  let version = "demo/echo/1.0.0"

  private func digest(_ text: String) -> SHA256.Digest { Array(text.utf8).withUnsafeBytes { SHA256.digest(of: $0) } }

  private func line(_ input: String, _ outcome: Outcome, version: String? = nil, result: String = "\"r\"") -> String {
    "{\"index\":0,\"source\":\"r:1\",\"input_sha256\":\"\(digest(input).hexadecimal)\",\"request_id\":\"req\","
      + "\"algorithm\":\"\(version ?? self.version)\",\"outcome\":\"\(outcome.rawValue)\",\"result\":\(result)}\n"
  }

  private func journal(_ path: String) throws -> (journal: ResumeJournal, file: OutputFile) {
    let file = try OutputFile(path: path)
    return (try ResumeJournal(reading: file, algorithm: version, spillDirectory: directory.path), file)
  }

  @Test func `each success answers for one occurrence of its input`() throws {
    let path = directory.write("out", line("a", .succeeded) + line("b", .succeeded) + line("a", .succeeded))
    let succeeded = try journal(path).journal.succeeded
    #expect(try succeeded.take(digest("a")))
    #expect(try succeeded.take(digest("a")))
    #expect(try !succeeded.take(digest("a")))
    #expect(try succeeded.take(digest("b")))
    #expect(try !succeeded.take(digest("c")))
  }

  @Test func `failures and other versions answer for nothing`() throws {
    let path = directory.write(
      "out", line("a", .failed) + line("b", .succeeded, version: "demo/echo/1.0.1") + line("c", .timedOut))
    let read = try journal(path).journal
    for input in ["a", "b", "c"] { #expect(try !read.succeeded.take(digest(input))) }
    #expect(read.failedLines == 2)
  }

  @Test func `lines of failures go, all others stay byte for byte`() throws {
    let kept = [
      line("a", .succeeded), "not ours\n", line("b", .failed, version: "demo/other/1.0.0"), line("c", .succeeded),
    ]
    let path = directory.write(
      "out", line("x", .failed) + kept[0] + line("y", .signaled) + line("z", .failedToStart) + kept[1] + kept[2]
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
    #expect(try succeeded.take(digest("a")))
    #expect(try succeeded.take(digest("b")))
  }

  @Test(arguments: ["{\"index\":3,\"source\"", "{", "{\"index\":3,\"input_sha256\":\"\(String(repeating: "x", count: 100_000))"])
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

  @Test func `the table tells inputs apart that share a slot`() throws {
    let table = try SucceededInputs(expected: 10, directory: directory.path)
    func colliding(_ number: UInt64) throws -> SHA256.Digest {
      try #require(SHA256.Digest(hexadecimal: String(repeating: "0", count: 31) + "\(number)" + String(repeating: "0", count: 32)))
    }
    for number in UInt64(1)...9 { try table.add(try colliding(number)) }
    for number in UInt64(1)...9 { #expect(try table.take(try colliding(number))) }
    for number in UInt64(1)...9 { #expect(try !table.take(try colliding(number))) }
  }
}
