// SPDX-License-Identifier: Apache-2.0
import Execution
import JSONText
import RunModel
import Testing

@testable import BatchRun

/// The output of a child is carried in one line, as JSON, text or base64, whatever its size.
@Suite struct ResultLineTests {
  let directory = ScratchDirectory()

  private func captured(_ bytes: [UInt8], limit: Int = 1 << 20, piece: Int = 10_000) -> CapturedOutput {
    let output = CapturedOutput(limit: limit, spillDirectory: directory.path)
    for start in stride(from: 0, to: bytes.count, by: piece) {
      bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { output.receive($0) }
    }
    return output
  }

  private func line(_ output: [UInt8], limit: Int = 1 << 20, errors: String = "") throws -> (
    text: String, value: JSONMembers
  ) {
    let capture = ChildCapture(outputLimit: limit, spillDirectory: directory.path)
    for start in stride(from: 0, to: output.count, by: 60_001) {
      output[start..<min(start + 60_001, output.count)].withUnsafeBytes { capture.output.receive($0) }
    }
    Array(errors.utf8).withUnsafeBytes { capture.receive($0, from: 2) }
    let request = Request(
      index: 7, path: "r.ndjson", line: 8, requestID: nil,
      input: HashedInput(bytes: .bytes([]), digest: SHA256().finish(), size: 0), problem: nil)
    let record = ExecutionRecord(
      requestID: "req-1", version: nil, ending: .ended(.exited(code: 0)), attempts: 1,
      startedAt: Timestamp(microseconds: 0), duration: .milliseconds(1), usage: nil, metrics: .none)
    var rendered = ResultLine(of: FinishedRequest(request: request, ordinal: 0, record: record, capture: capture))
    var bytes: [UInt8] = []
    while try !rendered.append(to: &bytes) {}
    #expect(bytes.last == 0x0a)
    #expect(!bytes.dropLast().contains(0x0a), "a result is one line")
    return (String(decoding: bytes, as: UTF8.self), try #require(JSONMembers(bytes)))
  }

  @Test func `JSON is carried as JSON, numbers as written, the space between tokens gone`() throws {
    let text = try line(Array("{\n  \"a b\" : [ 1.50,\t\"x  \\\" y\" ]\r\n}\n".utf8)).text
    #expect(text.hasSuffix(",\"result\":{\"a b\":[1.50,\"x  \\\" y\"]}}\n"))
  }

  @Test(arguments: ["hello\n", "", "{\"a\":1}\n{\"a\":2}\n", "NaN", "tab\tquote\"back\\slash\u{1}\u{7f}é😀\r\n"])
  func `text is carried as text, exactly`(text: String) throws {
    #expect(try line(Array(text.utf8)).value.string("result") == text)
  }

  @Test func `bytes that are neither are carried in base64, and marked`() throws {
    // The vectors of RFC 4648 with a byte before them that is not text.
    for (bytes, expected) in [([0xff], "/w=="), ([0xff, 0xfe], "//4="), ([0xff, 0xfe, 0x00], "//4A")]
      as [([UInt8], String)]
    {
      let value = try line(bytes).value
      #expect(value.string("result") == expected)
      #expect(value.string("result_encoding") == "base64")
    }
    #expect(try line(Array("text".utf8)).value["result_encoding"] == nil)
  }

  @Test func `an output far beyond memory comes back whole`() throws {
    let text = String(repeating: "0123456789é\"\n", count: 40_000)
    #expect(try line(Array(text.utf8)).value.string("result") == text)
    let binary = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 7 / 3) }
    let encoded = try #require(try line([0xff] + binary).value.string("result"))
    #expect(encoded.utf8.count == (500_001 + 2) / 3 * 4)
    #expect(!encoded.dropLast(2).contains("="), "padding is only at the end")
    #expect(directory.names.isEmpty)
  }

  @Test func `output beyond the limit is dropped and marked, at a whole character`() throws {
    let value = try line(Array("aé€".utf8), limit: 4).value
    #expect(value.string("result") == "aé")
    #expect(value["result_truncated"] == Array("true".utf8))
    #expect(try line(Array("aé€".utf8), limit: 6).value["result_truncated"] == nil)
  }

  @Test func `a cut JSON text is not a JSON text`() throws {
    let value = try line(Array("12345".utf8), limit: 3).value
    #expect(value.string("result") == "123")
  }

  @Test func `half a character at the end is not text unless the limit cut it`() {
    #expect(captured([0x61, 0xc3]).form == .base64)
    #expect(captured([0x61, 0xc3, 0xa9], limit: 2).form == .text)
    #expect(captured([0x61, 0xc3, 0xa9], piece: 1).form == .text)
  }

  @Test func `a capture used again remembers nothing`() {
    let output = captured([UInt8](repeating: 0xff, count: 100_000), limit: 90_000)
    output.reset()
    Array("[1]".utf8).withUnsafeBytes { output.receive($0) }
    #expect(output.form == .json)
    #expect(output.size == 3)
    #expect(!output.isTruncated)
  }

  @Test func `of stderr the last 4 KiB are kept, from a whole character on`() throws {
    let errors = String(repeating: "é", count: 3000) + "x"
    let tail = try #require(try line([], errors: errors).value.string("stderr_tail"))
    #expect(tail == String(repeating: "é", count: 2047) + "x")
    #expect(try line([], errors: "oops\n").value.string("stderr_tail") == "oops\n")
  }
}
