// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

/// Messages to a pipe whose reader may read, pause or be gone.
@Suite(.timeLimit(.minutes(1))) struct MessageStreamTests {
  private let reader: Descriptor
  private let writer: Descriptor
  private let stream: MessageStream

  init() throws {
    (reader, writer) = try Descriptor.pipe()
    stream = MessageStream(writer)
  }

  /// Everything in the pipe.
  private func read() -> String {
    var text: [UInt8] = []
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      while case .bytes(let count) = reader.read(into: buffer) { text += buffer[..<count] }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Leaves no room in the pipe.
  private func fill() throws {
    let again = try writer.withNumber { number throws(SystemError) in
      try Descriptor.open("/proc/self/fd/\(number)", flags: O_WRONLY | O_NONBLOCK, mode: 0)
    }
    #expect(throws: SystemError(EAGAIN)) { try again.writeAll([UInt8](repeating: 0, count: 1 << 20)) }
  }

  @Test func `a message is one line with its prefix`() {
    stream.print("first")
    stream.print("second")
    stream.draw(Array("bar".utf8))
    #expect(read() == "algo-run: first\nalgo-run: second\nbar")
  }

  @Test func `messages that are written together are lines of their own, and each counts when they are dropped`() throws
  {
    stream.print(["first", "second"])
    stream.print([])
    #expect(read() == "algo-run: first\nalgo-run: second\n")
    try fill()
    stream.print(["1", "2", "3"])
    stream.print(["4", "5"])
    _ = read()
    stream.print("after")
    #expect(read() == "algo-run: 5 earlier message(s) could not be written here.\nalgo-run: after\n")
  }

  @Test func `a line that is shown is replaced by the next one, and erased before a message`() {
    stream.show("10 %")
    stream.show("20 %")
    stream.show("20 %")
    #expect(read() == "\r10 %\u{1b}[K\r20 %\u{1b}[K")
    stream.print("first")
    stream.print("second")
    stream.show("20 %")
    stream.show("")
    stream.show("")
    #expect(read() == "\r\u{1b}[Kalgo-run: first\nalgo-run: second\n\r20 %\u{1b}[K\r\u{1b}[K")
  }

  @Test func `messages that a full pipe does not take are dropped and counted`() throws {
    try fill()
    for number in 1...50 { stream.print("\(number)") }
    stream.draw(Array("bar".utf8))
    _ = read()
    stream.print("after")
    #expect(read() == "algo-run: 50 earlier message(s) could not be written here.\nalgo-run: after\n")
    stream.print("more")
    #expect(read() == "algo-run: more\n")
  }

  @Test func `a message that was taken in part does not damage the next one`() throws {
    // The pipe takes the first of these only in part.
    stream.print(String(repeating: "x", count: 200_000))
    let torn = read()
    #expect(torn.hasPrefix("algo-run: xxx") && torn.hasSuffix("x") && torn.utf8.count < 200_000)
    stream.print("after")
    #expect(read() == "\nalgo-run: 1 earlier message(s) could not be written here.\nalgo-run: after\n")
  }

  @Test func `the descriptor itself stays blocking for others that share it`() throws {
    stream.print("x")
    #expect(writer.withNumber { fcntl($0, F_GETFL) } & O_NONBLOCK == 0)
  }

  @Test func `a reader that has gone ends nothing`() {
    reader.close()
    stream.print("lost")
    stream.draw(Array("lost".utf8))
  }
}
