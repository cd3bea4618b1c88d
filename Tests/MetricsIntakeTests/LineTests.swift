import MetricsIntake
import RunModel
import Testing

/// What strings cannot hold, and what a reader of a rejection sees.
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

  @Test func `the legacy format reserves two names more`() {
    let metrics = collected("{\"time\":1,\"session_id\":2,\"timestamp\":3}\n", format: .legacy)
    #expect(metrics.rejected.map(\.reason) == [.reservedName, .reservedName, .reservedName])
  }
}
