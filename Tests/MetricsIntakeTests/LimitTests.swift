// SPDX-License-Identifier: Apache-2.0
import MetricsIntake
import RunModel
import Testing

/// The limits, each at its last allowed value and one beyond.
struct LimitTests {
  @Test func `25 metrics are accepted, in their order`() {
    let metrics = collected((1...25).map { "{\"m\($0)\":\($0)}\n" }.joined())
    #expect(metrics.accepted.map(\.name) == (1...25).map { "m\($0)" })
    #expect(metrics.rejected.isEmpty)
  }

  @Test func `a 26th metric is rejected with the figures, and the others stay`() {
    let metrics = collected((1...27).map { "{\"m\($0)\":\($0)}\n" }.joined())
    #expect(metrics.accepted.count == 25)
    #expect(
      metrics.rejected.map(\.description) == [
        "metric \"m26\" rejected: too_many_metrics (26 reported, 25 allowed)",
        "metric \"m27\" rejected: too_many_metrics (27 reported, 25 allowed)",
      ])
  }

  @Test func `a metric reported again takes no second place`() {
    let metrics = collected((1...25).map { "{\"m\($0)\":1}\n" }.joined() + "{\"m1\":2}\n{\"m25\":3}\n")
    #expect(metrics.accepted.count == 25)
    #expect(metrics.accepted.last?.number == "3")
    #expect(metrics.rejected.isEmpty)
  }

  @Test func `a rejected metric takes no place of the 25`() {
    let metrics = collected("{\"bad\":\"x\"}\n" + (1...25).map { "{\"m\($0)\":1}\n" }.joined())
    #expect(metrics.accepted.count == 25)
    #expect(metrics.rejected.map(\.subjectAndReason) == ["bad not_a_number"])
  }

  @Test func `25,600 bytes of names and numbers are accepted`() {
    let name = String(repeating: "n", count: 25_599)
    let metrics = collected("{\"\(name)\":1}\n")
    #expect(metrics.accepted.count == 1)
  }

  @Test func `one byte more is rejected with the figures, and a smaller metric after it still fits`() {
    let name = String(repeating: "n", count: 25_599)
    let metrics = collected("{\"a\":1}\n{\"\(name)\":1}\n{\"b\":22}\n")
    #expect(metrics.accepted.map(\.name) == ["a", "b"])
    #expect(metrics.rejected.map(\.reason) == [.payloadTooLarge])
    #expect(metrics.rejected.first?.detail == "25602 bytes with it, 25600 allowed")
  }

  @Test func `the sum counts UTF-8 bytes of the decoded name`() {
    // An escaped é is six bytes in the stream and two in UTF-8.
    let fits = String(repeating: "\\u00e9", count: 10_000) + String(repeating: "x", count: 5599)
    #expect(collected("{\"\(fits)\":1}\n").rejected.map(\.reason) == [.malformedLine])
    let short = String(repeating: "\\u00e9", count: 5000)
    let rest = String(repeating: "x", count: 15_599)
    #expect(collected("{\"\(short)\":1}\n{\"\(rest)\":1}\n").accepted.count == 1)
    #expect(collected("{\"\(short)\":1}\n{\"\(rest.dropLast())\":1}\n").accepted.count == 2)
  }

  @Test func `the sum is that of final values`() {
    let long = String(repeating: "9", count: 300)
    let name = String(repeating: "n", count: 25_400)
    // With the first report of `a` the second metric would not fit; with its last it does.
    let metrics = collected("{\"a\":\(long)}\n{\"\(name)\":1}\n{\"a\":1}\n")
    #expect(metrics.accepted.count == 2)
    #expect(metrics.rejected.isEmpty)
  }

  @Test(arguments: [1, 4096, 65_536, 1_000_000])
  func `a line of 64 KiB is read, one byte more is malformed`(pieces: Int) {
    let padding = String(repeating: " ", count: 65_536 - 7)
    let line = Array("{\"a\":1}\(padding)".utf8)
    #expect(line.count == 65_536)
    #expect(collected(line + [10], pieces: pieces).accepted.count == 1)
    let long = collected(line + [32, 10] + Array("{\"b\":2}".utf8), pieces: pieces)
    #expect(long.accepted.map(\.name) == ["b"])
    #expect(long.rejected.map(\.subjectAndReason) == ["1 malformed_line"])
    #expect(long.rejected.first?.detail == "longer than 65536 bytes")
  }

  @Test(arguments: [1000, 65_536, 2_000_000])
  func `1 MiB of stream is kept, what follows is counted and dropped`(pieces: Int) {
    let line = Array("{\"a\":1}\n".utf8)
    let whole = Array(repeatElement(line, count: 131_072).joined())
    #expect(whole.count == 1_048_576)
    #expect(collected(whole, pieces: pieces).rejected.isEmpty)
    let more = collected(whole + Array("{\"late\":1}\n".utf8), pieces: pieces)
    #expect(more.accepted.map(\.name) == ["a"])
    #expect(more.rejected.map(\.subjectAndReason) == ["131073 stream_too_long"])
    #expect(more.rejected.first?.detail == "11 bytes after the first 1048576 were not kept")
  }

  @Test func `a line cut by the end of what is kept does not count`() {
    let line = Array("{\"a\":1}\n".utf8)
    let cut = Array(repeatElement(line, count: 131_071).joined()) + Array("{\"b\":12345}\n".utf8)
    let metrics = collected(cut)
    #expect(metrics.accepted.map(\.name) == ["a"])
    #expect(metrics.rejected.map(\.reason) == [.streamTooLong])
  }

  @Test func `half a million broken lines are counted without being kept one by one`() {
    let metrics = collected(Array(repeatElement(UInt8(ascii: "x"), count: 2).map { _ in UInt8(10) }) + broken)
    #expect(metrics.rejected.count == MetricRules.maximumRejections + 1)
    #expect(metrics.rejected.last?.detail.hasPrefix("and 490000 more rejections") == true)
  }

  private var broken: [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<500_000 { bytes += [UInt8(ascii: "x"), 10] }
    return bytes
  }

  @Test func `names beyond number are kept apart`() {
    let metrics = collected((0..<40_000).map { "{\"n\($0)\":\($0)}\n" }.joined())
    #expect(metrics.accepted.map(\.number) == (0..<25).map { "\($0)" })
    #expect(metrics.rejected.first?.description.contains("\"n25\"") == true)
    // Rejections that are not listed one by one are counted under their own reason.
    #expect(metrics.rejected.last?.reason == .tooManyMetrics)
    #expect(metrics.rejected.last?.detail.hasPrefix("and 29975 more") == true)
  }
}
