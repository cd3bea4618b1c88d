// SPDX-License-Identifier: Apache-2.0
import Execution
import Glibc
import JSONText
import RunModel
import Testing

@testable import BatchRun

/// `--keep-order` gives results in the order of their requests, whatever the order they finish in.
@Suite struct ReorderBufferTests {
  let directory = ScratchDirectory()

  @Test(arguments: [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [1, 0, 3, 2, 4]])
  func `results come out in order, each once`(arrival: [Int]) throws {
    directory.write("out", "")
    var released: [Int] = []
    let file = try OutputFile(path: "\(directory.path)/out")
    let output = ResultOutput(file: file) { released.append($0.ordinal) }
    let order = ReorderBuffer(output: output, spillDirectory: directory.path) { released.append($0.ordinal) }
    for ordinal in arrival {
      let request = Request(
        index: ordinal, path: "r", line: nil, requestID: nil,
        input: HashedInput(bytes: .bytes([]), digest: SHA256().finish(), size: 0), problem: nil)
      let record = ExecutionRecord.failedToStart(
        requestID: "req-\(ordinal)", version: nil, attempts: 0, at: Timestamp(microseconds: 0), reason: "")
      try order.take(FinishedRequest(request: request, ordinal: ordinal, record: record, capture: nil))
      while !output.isIdle { _ = try output.pump() }
    }
    let indexes = directory.read("out").split(separator: "\n").map { JSONMembers($0.utf8)?.integer("index") }
    #expect(indexes == Array(0..<5))
    #expect(released.sorted() == [0, 1, 2, 3, 4])
    #expect(directory.names == ["out"])
  }
}
