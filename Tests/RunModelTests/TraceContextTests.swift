// SPDX-License-Identifier: Apache-2.0
import RunModel
import Testing

@Suite struct TraceContextTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let parent = "b7ad6b7169203331"

  @Test(arguments: [
    "00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-00", "00-\(trace)-\(parent)-ff", "cc-\(trace)-\(parent)-01",
    "cc-\(trace)-\(parent)-01-what-the-future-will-be-like",
  ])
  func `a valid value is kept as it is written`(_ text: String) {
    #expect(TraceContext(parsing: text)?.description == text)
  }

  @Test(arguments: [
    "", "00", "nonsense", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-1", "00-\(trace)-\(parent)-01-",
    "00-\(trace)-\(parent)-01\n", " 00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01-more",
    "ff-\(trace)-\(parent)-01", "0-\(trace)-\(parent)-01", "00_\(trace)_\(parent)_01",
    "00-\(trace.uppercased())-\(parent)-01", "00-\(trace)-\(parent)-0G",
    "00-\(String(repeating: "0", count: 32))-\(parent)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01",
    "cc-\(trace)-\(parent)-01.more", "cc-\(trace)-\(parent)-01-\u{e9}", "cc-\(trace)-\(parent)-01-a\nb",
    "cc-\(trace)-\(parent)-01-" + String(repeating: "x", count: 70_000), String(repeating: "\u{fffd}", count: 55),
  ])
  func `an invalid value is ignored`(_ text: String) {
    #expect(TraceContext(parsing: text) == nil)
  }
}
