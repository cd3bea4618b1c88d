// SPDX-License-Identifier: Apache-2.0
import Execution
import Testing

/// The end of a program's output, for its error message.
@Suite struct StreamTailTests {
  private func tail(of pieces: [[UInt8]]) -> StreamTail {
    var tail = StreamTail()
    for piece in pieces { piece.withUnsafeBytes { tail.receive($0) } }
    return tail
  }

  @Test(arguments: [1, 7, 4095, 4096, 4097, 10_000])
  func `the last 4,096 bytes are kept, however they arrive`(size: Int) {
    let stream = (0..<10_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    let pieces = stride(from: 0, to: stream.count, by: size).map { Array(stream[$0..<min($0 + size, stream.count)]) }
    #expect(tail(of: pieces).bytes == stream.suffix(4096))
  }

  @Test func `a character that the cut tore is left out`() {
    let text = String(repeating: "€", count: 2000)
    let kept = tail(of: [Array(text.utf8)]).text
    #expect(kept == String(repeating: "€", count: 4096 / 3))
  }

  @Test func `bytes that are not text are shown as such`() {
    #expect(tail(of: [[0x61, 0xff, 0x62]]).text == "a\u{fffd}b")
    #expect(tail(of: []).text.isEmpty)
  }
}
