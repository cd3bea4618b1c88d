// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@Suite("Descriptors", .serialized)
struct DescriptorTests {
  /// Whether a number is open in this process.
  func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) >= 0 }

  @Test func `every descriptor is above 3 and close-on-exec`() throws {
    let file = try Descriptor.reading("/dev/null")
    let copy = try Descriptor.duplicating(0)
    let (reader, writer) = try Descriptor.pipe()
    for descriptor in [file, copy, reader, writer] {
      let number = descriptor.withNumber { $0 }
      #expect(number > 3)
      #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    }
  }

  @Test func `a descriptor is closed with its last reference`() throws {
    var ends: (reader: Descriptor, writer: Descriptor?) = try Descriptor.pipe()
    withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { buffer in
      #expect(ends.reader.read(into: buffer) == .nothingNow)
      ends.writer = nil
      #expect(ends.reader.read(into: buffer) == .endOfFile)
    }
  }

  @Test func `an unnamed file appends, and has the name that it is given`() throws {
    let directory = "/tmp/unnamed-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    #expect(mkdir(directory, 0o700) == 0)
    defer { rmdir(directory) }
    // Some file systems have none.
    guard let file = try? Descriptor.unnamedFile(in: directory) else { return }
    try file.writeAll(Array("one".utf8))
    #expect(file.withNumber { lseek($0, 0, SEEK_SET) } == 0)
    try file.writeAll(Array("two".utf8))
    let path = directory + "/name"
    #expect(access(path, F_OK) != 0)
    try file.link(as: path)
    defer { unlink(path) }
    #expect(try Descriptor.reading(path).readAll(limit: 100) == Array("onetwo".utf8))
    #expect(throws: SystemError(EEXIST)) { try file.link(as: path) }
  }

  @Test func `closing twice closes once: a number that was given away is left alone`() throws {
    let (reader, writer) = try Descriptor.pipe()
    writer.close()
    #expect(writer.withNumber { $0 } == -1)
    let next = try Descriptor.pipe()
    writer.close()
    try next.writer.writeAll(Array("still open".utf8))
    #expect(next.reader.readText() == "still open")
    withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { #expect(reader.read(into: $0) == .endOfFile) }
  }

  @Test func `the standard streams are lent, never closed`() {
    Descriptor.standardError.close()
    #expect(isOpen(2))
    #expect(Descriptor.standardError.withNumber { $0 } == 2)
  }

  @Test func `all bytes are written to a pipe that takes them in pieces`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
    let thread = try Thread.start { () -> Bool in
      defer { writer.close() }
      do { try writer.writeAll(sent) } catch { return false }
      return true
    }
    reader.withNumber { _ = fcntl($0, F_SETFL, 0) }
    var received: [UInt8] = []
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      while case .bytes(let count) = reader.read(into: buffer) { received.append(contentsOf: buffer[..<count]) }
    }
    #expect(thread.join())
    #expect(received == sent)
  }

  @Test func `bytes can be written at an offset of a file`() throws {
    let path = "/tmp/algo-run-platform-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    let file = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    try file.writeAll(Array("hello world".utf8))
    try file.writeAll(Array("W".utf8), at: 6)
    #expect(try Descriptor.reading(path).readText() == "hello World")
  }

  @Test func `a failed write throws the errno`() throws {
    let full = try Descriptor.open("/dev/full", flags: O_WRONLY, mode: 0)
    #expect(throws: SystemError(ENOSPC)) { try full.writeAll([1]) }
    #expect(throws: SystemError(ENOENT)) { try Descriptor.reading("/nonexistent") }
    #expect("\(SystemError(EACCES))" == "Permission denied")
  }
}
