// SPDX-License-Identifier: Apache-2.0
import Platform
import ProcessSupervision
import Testing

@testable import BatchRun
@testable import Execution

/// A request reaches its child byte for byte, whatever its size and wherever it comes from.
@Suite struct RequestReaderTests {
  let directory = ScratchDirectory()

  private func requests(_ files: [String], envelopes: Bool = false) throws -> [Request] {
    let reader = try RequestReader(
      sources: try RequestSource.all(files), takesEnvelopes: envelopes, spillDirectory: directory.path)
    var requests: [Request] = []
    while true {
      switch try reader.next() {
      case .request(let request): requests.append(request)
      case .again: continue
      case .wait: Issue.record("a file never has to be waited for")
      case .end: return requests
      }
    }
  }

  private func bytes(_ request: Request) throws -> [UInt8] {
    try request.input.bytes.opened(spillDirectory: directory.path)?.withNumber { ScratchDirectory.readAll($0) } ?? []
  }

  @Test func `lines are raw: spaces, carriage returns and bytes that are not text stay`() throws {
    let file = directory.write("r.ndjson", Array(" {\"a\": 1} \r\nb\n".utf8) + [0xff, 0x00, 0x0a] + Array("last".utf8))
    let all = try requests([file])
    #expect(try all.map(bytes) == [Array(" {\"a\": 1} \r".utf8), Array("b".utf8), [0xff, 0x00], Array("last".utf8)])
    #expect(all.map(\.source) == (1...4).map { "\(file):\($0)" })
    #expect(all.map(\.index) == [0, 1, 2, 3])
  }

  @Test(arguments: [false, true])
  func `blank lines are not requests, but lines of the file`(envelopes: Bool) throws {
    let list = directory.write("r.jsonl", "\n{\"input\":1}\n\r\n \t\r\n{\"input\":2}\n \n\r")
    let all = try requests([list], envelopes: envelopes)
    #expect(all.map(\.problem) == [nil, nil])
    #expect(all.map(\.line) == [2, 5])
    #expect(all.map(\.index) == [0, 1])
  }

  @Test func `blank lines longer than a buffer are not requests`() throws {
    let blank = String(repeating: " ", count: 70_000)
    let all = try requests([directory.write("r.jsonl", "\(blank)\na\n\(blank)b\n\(blank)")])
    #expect(try all.map(bytes) == [Array("a".utf8), Array("\(blank)b".utf8)])
    #expect(all.map(\.line) == [2, 3])
  }

  @Test func `a byte order mark at the start of a list is not part of its first request`() throws {
    let files = [directory.write("r.ndjson", "\u{feff}a\n\u{feff}b\n"), directory.write("s.txt", "\u{feff}c")]
    #expect(try requests(files).map(bytes) == ["a", "\u{feff}b", "\u{feff}c"].map { Array($0.utf8) })
  }

  private static let spoilt: [(bytes: [UInt8], words: String)] = [
    (Array("{\"input\":1}\n\u{feff}{}".utf8), "byte order mark"),
    ([0xff, 0xfe] + "{}\n".utf8.flatMap { [$0, 0] }, "UTF-16"),
    ([0xfe, 0xff] + "{}\n".utf8.flatMap { [0, $0] }, "UTF-16"),
  ]

  @Test(arguments: spoilt)
  func `the reason for a bad envelope names its byte order mark`(bytes: [UInt8], words: String) throws {
    let all = try requests([directory.write("r.ndjson", bytes)], envelopes: true)
    #expect(all.compactMap(\.problem).first?.contains(words) == true)
  }

  @Test func `lines longer than any buffer arrive whole, and leave no file behind`() throws {
    let sizes = [65_535, 65_536, 65_537, 200_000, 1_000_000, 1]
    let lines = sizes.enumerated().map { [UInt8](repeating: UInt8(97 + $0.offset), count: $0.element) }
    let all = try requests([directory.write("r.ndjson", Array(lines.joined(separator: [0x0a])))])
    #expect(all.count == sizes.count)
    for (request, line) in zip(all, lines) {
      #expect(try bytes(request) == line)
      #expect(try bytes(request) == line, "a second attempt reads from the start")
      #expect(request.input.digest == line.withUnsafeBytes { SHA256.digest(of: $0) })
      #expect(request.input.size == line.count)
    }
    #expect(directory.names == ["r.ndjson"])
  }

  @Test func `any other file is one request, and a list may mix both`() throws {
    let picture = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let all = try requests([
      directory.write("a.png", picture), directory.write("r.ndjson", "x\ny\n"), directory.write("empty.json", ""),
    ])
    #expect(all.map(\.line) == [nil, 1, 2, nil])
    #expect(try bytes(all[0]) == picture)
    #expect(all[0].input.digest == picture.withUnsafeBytes { SHA256.digest(of: $0) })
    #expect(try bytes(all[3]).isEmpty)
    #expect(all[3].problem == nil)
  }

  @Test func `an envelope's input is its text as it was written`() throws {
    let file = directory.write(
      "r.ndjson",
      """
      {"input": {"a": [1,  2.50]} , "request_id": "me\\u0031"}
      {"input":"x"}
      {"input":null}
      {"input":1,"input":12}
      """)
    let all = try requests([file], envelopes: true)
    #expect(
      try all.map { String(decoding: try bytes($0), as: UTF8.self) } == ["{\"a\": [1,  2.50]}", "\"x\"", "null", "12"])
    #expect(all.map(\.requestID) == ["me1", nil, nil, nil])
    #expect(all.allSatisfy { $0.problem == nil })
  }

  @Test(arguments: [
    ("[1]", "not a JSON object"), ("{\"input\":1", "not a JSON object"), ("{\"inptu\":1}", "\"inptu\""),
    ("{\"request_id\":\"a\"}", "no member input"), ("{\"input\":1,\"request_id\":7}", "not a string"),
    ("{\"input\":1,\"request_id\":\"\"}", "it is empty"),
    ("{\"input\":1,\"request_id\":\"\(String(repeating: "x", count: 300))\"}", "longer than 256"),
    ("{\"input\":1,\"request_id\":\"\(String(repeating: "x", count: 5000))\"}", "longer than 256"),
  ])
  func `a bad envelope has a reason, and the next line is read as before`(line: String, words: String) throws {
    let all = try requests([directory.write("r.ndjson", line + "\n{\"input\":1}\n")], envelopes: true)
    #expect(all.count == 2)
    #expect(try #require(all[0].problem).contains(words))
    #expect(all[1].problem == nil)
  }

  @Test func `an envelope's input may be larger than memory is meant to hold`() throws {
    let text = "\"" + String(repeating: "é", count: 300_000) + "\""
    let all = try requests(
      [directory.write("r.ndjson", "{\"input\":\(text),\"request_id\":\"big\"}\n")], envelopes: true)
    #expect(try bytes(try #require(all.first)) == Array(text.utf8))
    #expect(all.first?.requestID == "big")
  }

  @Test func `equal inputs are distinguished by their occurrence`() throws {
    let all = try requests([directory.write("r.ndjson", "a\nb\na\na\n"), directory.write("s.ndjson", "b\n")])
    #expect(all.map(\.occurrence) == [1, 1, 2, 3, 2])
  }

  @Test func `a name that cannot be opened is reported before anything runs`() throws {
    #expect(throws: BatchFailure.cannotOpenRequests(path: "/nonexistent/r.ndjson", code: 2)) {
      try RequestSource.all(["/nonexistent/r.ndjson"])
    }
    #expect(throws: BatchFailure.requestsAreDirectory(path: directory.path)) { try RequestSource.all([directory.path]) }
    #expect(throws: BatchFailure.standardInputTwice) { try RequestSource.all(["-", "-"]) }
  }

  @Test func `requests are counted ahead, with an unfinished last line and without blank lines`() throws {
    let files = [
      directory.write("a.ndjson", "1\n2\n3"), directory.write("b.json", "{}"), directory.write("c.ndjson", ""),
      directory.write("d.ndjson", "\u{feff}\r\n\n4\n \n\t"),
    ]
    var count = RequestCount(sources: try RequestSource.all(files))
    while !count.isOver { count.advance() }
    #expect(count.total == 5)
  }
}
