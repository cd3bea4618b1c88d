// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@Suite("File locks")
struct FileLockTests {
  private let path = "/tmp/lock-\(getpid())-\(UInt32.random(in: 0 ... .max))"

  private func open() throws -> Descriptor { try Descriptor.open(path, flags: O_RDWR | O_CREAT, mode: 0o600) }

  @Test func `shared locks exclude an exclusive one until the last of them is given up`() throws {
    defer { unlink(path) }
    let (one, two, three) = (try open(), try open(), try open())
    #expect(one.lock(.shared) == .taken)
    #expect(two.lock(.shared) == .taken)
    #expect(three.lock(.exclusive) == .busy)
    one.unlock()
    #expect(three.lock(.exclusive) == .busy)
    two.close()
    #expect(three.lock(.exclusive) == .taken)
    #expect(one.lock(.shared) == .busy)
  }

  @Test func `a lock that is given up within the limit is taken`() throws {
    defer { unlink(path) }
    let (first, second) = (try open(), try open())
    #expect(first.lock(.exclusive) == .taken)
    let waiting = try Thread.start { [second] in
      #expect(second.lock(.exclusive, until: .now() + .seconds(300)) == .taken)
    }
    first.unlock()
    waiting.join()
    #expect(first.lock(.exclusive) == .busy)
  }

  @Test func `a file has a name until it is removed`() throws {
    let file = try open()
    #expect(file.hasName)
    unlink(path)
    #expect(!file.hasName)
  }

  @Test func `rights and length of a file are set, whatever the umask is`() throws {
    defer { unlink(path) }
    let file = try open()
    try file.setMode(0o640)
    try file.writeAll(Array("12345".utf8))
    try file.sync()
    try file.truncate(to: 2)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640 && status.st_size == 2)
    #expect(throws: SystemError(EINVAL)) { try Descriptor.reading(path).truncate(to: 0) }
  }
}
