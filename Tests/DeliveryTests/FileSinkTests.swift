// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Testing

@Suite final class FileSinkTests {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sink-\(UUID().uuidString)")
  var path: String { directory.appendingPathComponent("insights.ndjson").path }

  init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private func contents() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func `each payload is one line of a file that only its owner reads`() throws {
    let sink = FileSink(path: path)
    try sink.append([Array(#"{"a":1}"#.utf8)])
    try sink.append([Array(#"{"a":2}"#.utf8), Array(#"{"a":3}"#.utf8)])
    #expect(try contents() == "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test(arguments: [
    #"{"a":1}"#, "{\"a\":1}\nprecious last line", "[1,2,3]", "one line",
    "{\"a\":1}\n{\"request_id\":\"req-torn\",\"time", String(repeating: "x", count: 200_000), "\u{0}",
  ])
  func `an unfinished last line stays as it is, and the payload begins on a line of its own`(before: String) throws {
    try before.write(toFile: path, atomically: false, encoding: .utf8)
    try FileSink(path: path).append([Array(#"{"a":3}"#.utf8)])
    #expect(try contents() == before + "\n{\"a\":3}\n")
    try FileSink(path: path).append([Array(#"{"a":4}"#.utf8)])
    #expect(try contents() == before + "\n{\"a\":3}\n{\"a\":4}\n")
  }

  @Test func `many writers together leave whole lines, each exactly once`() throws {
    let writers = 8
    let lines = 200
    let filler = String(repeating: "y", count: 5000)
    let path = path
    DispatchQueue.concurrentPerform(iterations: writers) { writer in
      for line in 0..<lines {
        _ = try? FileSink(path: path).append([Array("{\"k\":\"\(writer)-\(line)\",\"f\":\"\(filler)\"}".utf8)])
      }
    }
    let found = try contents().split(separator: "\n")
    #expect(found.count == writers * lines)
    #expect(Set(found).count == writers * lines)
    #expect(found.allSatisfy { $0.hasPrefix("{\"k\":\"") && $0.hasSuffix("\(filler)\"}") })
  }

  @Test func `a file size limit is an error with nothing half-written, not the end of the process`() async throws {
    // In a process of its own: the limit would hit every other test.
    await #expect(processExitsWith: .success) {
      let path = NSTemporaryDirectory() + "sink-limit-\(getpid()).ndjson"
      defer { unlink(path) }
      try "{\"a\":1}".write(toFile: path, atomically: false, encoding: .utf8)
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(1), &limit)
      limit.rlim_cur = 100
      setrlimit(__rlimit_resource_t(1), &limit)
      #expect(throws: FileSinkError.cannotWrite(path: path, errno: EFBIG)) {
        try FileSink(path: path).append([[UInt8](repeating: UInt8(ascii: "z"), count: 300)])
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "{\"a\":1}")
    }
  }

  @Test func `a full device is an error of its own`() throws {
    #expect(throws: FileSinkError.cannotWrite(path: "/dev/full", errno: ENOSPC)) {
      try FileSink(path: "/dev/full").append([Array("{}".utf8)])
    }
    let told = "\(FileSinkError.cannotWrite(path: "/dev/full", errno: ENOSPC))"
    #expect(told == "no space left to append to /dev/full")
  }

  @Test func `a missing directory is an error that names it`() throws {
    let path = directory.appendingPathComponent("none/insights.ndjson").path
    let error = #expect(throws: FileSinkError.self) { try FileSink(path: path).append([Array("{}".utf8)]) }
    #expect(error.map { "\($0)" }?.contains("the directory of \(path) does not exist") == true)
  }

  @Test(arguments: [
    (EACCES, "Permission denied"), (EROFS, "Read-only file system"), (EISDIR, "is a directory"),
    (ENOENT, "the directory of /h/insights.ndjson does not exist"),
  ])
  func `a file that cannot be opened is named with the reason`(code: Int32, words: String) {
    let told = "\(FileSinkError.cannotOpen(path: "/h/insights.ndjson", errno: code))"
    #expect(told.contains("/h/insights.ndjson ") && told.contains(words))
  }

  @Test func `a lock that is never released does not hold an algorithm up for ever`() throws {
    let holder = open(path, O_RDWR | O_CREAT, 0o600)
    defer { close(holder) }
    #expect(flock(holder, LOCK_EX) == 0)
    #expect(throws: FileSinkError.locked(path: path)) { try FileSink(path: path).append([Array("{}".utf8)]) }
  }
}
