// SPDX-License-Identifier: Apache-2.0
import MetricsIntake
import RunModel
import Testing

/// Bytes that strings cannot hold, and their form in a rejection.
struct LineTests {
  @Test(
    arguments: [
      [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0x80],
      [0xf0, 0x8f, 0xbf, 0xbf],
    ] as [[UInt8]])
  func `invalid UTF-8 in a name is a malformed line`(bytes: [UInt8]) {
    let metrics = collected(Array("{\"".utf8) + bytes + Array("\":1}\n{\"a\":1}\n".utf8))
    #expect(metrics.accepted.map(\.name) == ["a"])
    #expect(metrics.rejected.map(\.subjectAndReason) == ["1 malformed_line"])
    #expect(metrics.rejected.first?.detail.contains("invalid UTF-8") == true)
  }

  /// Strings are read eight bytes at a time: each of these must be seen wherever it is among plain ones.
  @Test(arguments: [[0x00], [0x01], [0x0b], [0x1f], [0x80], [0xc2], [0xff], [0x5c, 0x78]] as [[UInt8]])
  func `what a string cannot hold is found at every place of a long one`(bytes: [UInt8]) {
    for place in 0..<24 {
      let text =
        Array(repeating: UInt8(ascii: "x"), count: place) + bytes + Array(repeating: UInt8(ascii: "y"), count: 24)
      let name = Array("{\"".utf8) + text + Array("\":1}\n".utf8)
      let value = Array("{\"a\":\"".utf8) + text + Array("\"}\n".utf8)
      #expect(collected(name + value).rejected.map(\.subjectAndReason) == ["1 malformed_line", "2 malformed_line"])
    }
  }

  @Test(arguments: [" ", "~", "\u{7f}", "é", "\u{1F431}", "\\\"", "\\\\", "\\u0041", "!", "#", "[", "]"])
  func `what a string can hold is taken at every place of a long one`(text: String) {
    for place in 0..<24 {
      let name = String(repeating: "x", count: place) + text + String(repeating: "y", count: 24)
      #expect(collected("{\"\(name)\":1}\n").accepted.count == 1)
    }
  }

  @Test func `a rejection cannot drive a terminal`() {
    let metrics = collected("\u{1b}[2J\u{7}evil\n{\"a\\u001b]0;x\":\"s\"}\n")
    let shown = metrics.rejected.map(\.description).joined()
    #expect(!shown.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f })
    #expect(shown.contains("\\u{1b}"))
  }

  @Test func `an excerpt is short`() {
    let metrics = collected(String(repeating: "y", count: 5000) + "\n")
    #expect(metrics.rejected.first?.description.count ?? 0 < 140)
  }

  @Test func `brackets as deep as a line is long are read without a stack`() {
    let open = String(repeating: "[", count: 32_000)
    let close = String(repeating: "]", count: 32_000)
    #expect(collected("{\"a\":\(open)\(close)}\n").rejected.map(\.reason) == [.notANumber])
    #expect(collected("{\"a\":\(open)}\n").rejected.map(\.reason) == [.malformedLine])
  }

  @Test(arguments: PayloadFormat.allCases)
  func `every operational name of the payload format is reserved, and the message names the format`(
    _ format: PayloadFormat
  ) {
    for name in format.furtherMembers {
      let metrics = collected("{\"\(name)\":1,\"timestamp\":2,\"good\":3}\n", format: format)
      #expect(metrics.accepted.map(\.name) == ["good"])
      #expect(metrics.rejected.map(\.reason) == [.reservedName, .reservedName])
      #expect(metrics.rejected.first?.detail == "an operational member of the payload format \(format.rawValue)")
      #expect(metrics.rejected.last?.detail == "the supervisor sets it itself")
    }
  }

  @Test func `names of other formats and names that not every store takes are accepted with a warning`() {
    func warnings(_ name: String, _ format: PayloadFormat) -> [MetricNameWarning] {
      MetricNameWarning.all(about: name, in: format)
    }
    #expect(warnings("time", .standard) == [.reserved(by: .legacy)])
    #expect(warnings("queue_milliseconds", .legacy) == [.reserved(by: .extended)])
    #expect(warnings("outcome", .extended) == [])
    for name in ["a", "_", "A9.:-_", "x\u{2e}y"] { #expect(warnings(name, .standard) == []) }
    for name in ["9a", "a b", "\u{e9}", ".a", "a/b", "a\u{0}"] { #expect(warnings(name, .standard) == [.notPortable]) }
  }
}
