// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Testing

/// A file sink that is a named pipe.
@Suite(.timeLimit(.minutes(1))) final class PipeSinkTests {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("pipe-\(UUID().uuidString)")
  var path: String { directory.appendingPathComponent("sink").path }

  init() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    #expect(mkfifo(path, 0o600) == 0)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// A reader that takes nothing until it is asked to.
  private func reader() -> Int32 { open(path, O_RDONLY | O_NONBLOCK) }

  /// Everything that is in the pipe now.
  private func read(_ reader: Int32) -> String {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(reader, &block, block.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }

  @Test func `without a reader nothing is appended and nothing waits`() {
    #expect(throws: FileSinkError.noReader(path: path)) { try FileSink(path: path).append([Array("{}".utf8)]) }
    #expect(throws: FileSinkError.noReader(path: path)) { try FileSink(path: path).check() }
  }

  @Test func `its reader gets every payload as a line`() throws {
    let reader = reader()
    defer { close(reader) }
    let sink = FileSink(path: path)
    try sink.check()
    #expect(try sink.append([Array(#"{"a":1}"#.utf8)]) == 1)
    #expect(try sink.append([Array(#"{"a":2}"#.utf8), Array(#"{"a":3}"#.utf8)]) == 2)
    #expect(read(reader) == "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
  }

  @Test(arguments: [100, 5000, 90_000])
  func `a full pipe takes whole lines only, and the number of those it took is returned`(length: Int) throws {
    let reader = reader()
    defer { close(reader) }
    let payload = [UInt8](repeating: UInt8(ascii: "x"), count: length)
    let line = String(repeating: "x", count: length) + "\n"
    let sink = FileSink(path: path, waitLimit: .milliseconds(1))
    let taken = try sink.append(Array(repeating: payload, count: 2000))
    #expect(taken > 0 && taken < 2000)
    #expect(throws: FileSinkError.cannotWrite(path: path, errno: EAGAIN)) { try sink.append([payload]) }
    #expect(read(reader) == String(repeating: line, count: taken))
    #expect(try sink.append([payload]) == 1)
    #expect(read(reader) == line)
  }

  @Test func `a reader that has gone is an error that names it`() throws {
    let reader = reader()
    let sink = FileSink(path: path, waitLimit: .milliseconds(1))
    let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 5000)
    _ = try sink.append([payload])
    close(reader)
    #expect(throws: FileSinkError.noReader(path: path)) { try sink.append([payload]) }
    let told = "\(FileSinkError.cannotWrite(path: "/p", errno: EPIPE))"
    #expect(told.hasPrefix("the reader of the pipe /p has gone"))
  }
}
