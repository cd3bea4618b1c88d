// SPDX-License-Identifier: Apache-2.0
import Platform
import RunModel
import Testing

@testable import BatchRun
@testable import Execution

/// Which requests of a list are run, and when the next one may start.
@Suite struct RequestIntakeTests {
  let directory = ScratchDirectory()

  private func settings(limit: Int? = nil, keepsOrder: Bool = false) throws -> BatchSettings {
    let version = PublishedVersion(
      algorithm: try AlgorithmName(parsing: "ada/cats"), version: .first, command: ["true"], directory: nil,
      timeLimit: nil, environment: [], notes: "", publishedAt: Timestamp(microseconds: 0), insights: false)
    var settings = BatchSettings(version: version, command: nil, files: [], spillDirectory: directory.path)
    settings.limit = limit
    settings.keepsOrder = keepsOrder
    return settings
  }

  /// The lines of the list that are to be run, by their places, and the number of those that were skipped.
  private func taken(
    _ text: String, limit: Int? = nil, succeeded: DiskHashTable? = nil
  ) throws -> (run: [Int: Int], skipped: Int, nextOrdinal: Int) {
    let sources = try RequestSource.all([directory.write("r.ndjson", text)])
    var intake = try RequestIntake(sources, settings(limit: limit), succeeded: succeeded)
    var run: [Int: Int] = [:]
    while true {
      switch try intake.next() {
      case .run(let request, let ordinal): run[ordinal] = request.line
      case .skip, .again: continue
      case .wait: Issue.record("a file never has to be waited for")
      case .end:
        #expect(intake.hasEnded)
        return (run, intake.skipped, intake.nextOrdinal)
      }
    }
  }

  @Test func `requests that succeeded before are skipped, and have no place among those that run`() throws {
    let done = try DiskHashTable(directory: directory.path)
    let digest = Array("b".utf8).withUnsafeBytes { SHA256.digest(of: $0) }
    try done.increment(DiskHashTable.Key(digest, occurrence: 1))
    let found = try taken("a\nb\nb\nc\n", succeeded: done)
    // The second b is another occurrence, and did not succeed.
    #expect(found.run == [0: 1, 1: 3, 2: 4] && found.skipped == 1)
  }

  @Test func `a limit counts requests that run`() throws {
    let found = try taken("a\nb\nc\n", limit: 2)
    #expect(found.run == [0: 1, 1: 2] && found.nextOrdinal == 2)
    #expect(try taken("a\n", limit: 0).run.isEmpty)
  }

  @Test func `a request starts only within the window of the order, and while few results wait`() throws {
    directory.write("out", "")
    let results = ResultWriter(
      try OutputFile(path: "\(directory.path)/out"), try settings(keepsOrder: true), on: try EventLoop())
    #expect(results.hasRoom(for: ReorderBuffer.window - 1, pending: 0))
    #expect(!results.hasRoom(for: ReorderBuffer.window, pending: 0))
    #expect(results.hasRoom(for: 0, pending: 255) && !results.hasRoom(for: 0, pending: 256))
    results.leaveOut(0)
    #expect(results.hasRoom(for: ReorderBuffer.window, pending: 0))
  }
}
