// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Testing

/// Findings of `connection set` and `connection test` about a file that is there already.
@Suite struct FileSinkContentTests {
  private func note(on content: String?) throws -> String? {
    let path = NSTemporaryDirectory() + "content-\(UUID().uuidString)"
    defer { unlink(path) }
    try content?.write(toFile: path, atomically: false, encoding: .utf8)
    return FileSink(path: path).foreignContent()
  }

  @Test(arguments: [
    nil, "", "{\"a\":1}\n", "{\"a\":1}\n\n{\"b\":2}\r\n", "{\"a\":1}",
    String(repeating: "{\"n\":\"" + String(repeating: "x", count: 999) + "\"}\n", count: 200),
    "{\"long\":\"" + String(repeating: "x", count: 100_000) + "\"}\n",
  ])
  func `nothing is noted of NDJSON or of no file`(content: String?) throws {
    #expect(try note(on: content) == nil)
  }

  @Test(arguments: [
    ("[1,2,3]", 1), ("a,b\n1,2\n", 1), ("{\"a\":1}\nprogress 10%", 2), ("{\"a\":1}\n{\"a\":\n", 2), ("\u{0}\u{1}", 1),
    (String(repeating: "x", count: 100_000), 1),
  ])
  func `the first line that is not a JSON object is named`(content: String, line: Int) throws {
    #expect(try note(on: content)?.contains("line \(line) is not a JSON object") == true)
  }

  @Test func `nothing is noted of devices and pipes`() {
    #expect(FileSink(path: "/dev/null").foreignContent() == nil)
  }
}
