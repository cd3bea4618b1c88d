// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@Suite("The event loop and descriptors")
struct DescriptorEventTests {
  let loop: EventLoop
  let recorder = EventRecorder()

  init() throws { loop = try EventLoop() }

  /// One turn that does not wait.
  func turn() { loop.turn(until: .now()) }

  @Test func `a descriptor is reported in each turn in which it can be read`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let registration = try loop.register(reader, .read, recorder)
    turn()
    #expect(recorder.events.isEmpty)
    try writer.writeAll(Array("x".utf8))
    loop.turn()
    turn()
    #expect(recorder.events == [.read, .read])
    #expect(reader.readText() == "x")
    turn()
    #expect(recorder.events.count == 2)
    withExtendedLifetime(registration) {}
  }

  @Test func `a one-time interest is reported once, until it is armed again`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let registration = try loop.register(reader, [.read, .once], recorder)
    try writer.writeAll(Array("x".utf8))
    turn()
    turn()
    #expect(recorder.events.count == 1)
    registration.change(to: [.read, .once])
    turn()
    turn()
    #expect(recorder.events.count == 2)
  }

  @Test func `a full pipe is reported as writable once its reader has made room`() throws {
    let (reader, writer) = try Descriptor.pipe()
    writer.withNumber { _ = fcntl($0, F_SETFL, O_NONBLOCK) }
    #expect(throws: SystemError(EAGAIN)) { try writer.writeAll([UInt8](repeating: 0, count: 2 << 20)) }
    let registration = try loop.register(writer, .write, recorder)
    turn()
    #expect(recorder.events.isEmpty)
    while reader.readText() != "" {}
    turn()
    #expect(recorder.events == [.write])
    withExtendedLifetime(registration) {}
  }

  @Test func `the end of a stream is reported as readable`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let registration = try loop.register(reader, .read, recorder)
    writer.close()
    turn()
    #expect(recorder.events.first?.contains(.read) == true)
    withExtendedLifetime(registration) {}
  }

  @Test func `the loss of the reader is reported to the writer`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let registration = try loop.register(writer, [.write, .once], recorder)
    reader.close()
    turn()
    #expect(recorder.events.first?.contains(.write) == true)
    withExtendedLifetime(registration) {}
  }

  @Test func `a cancelled registration is not reported, even for an event of the same turn`() throws {
    let pipes = try (0..<2).map { _ in try Descriptor.pipe() }
    var registrations = try pipes.map { try loop.register($0.reader, .read, recorder) }
    for pipe in pipes { try pipe.writer.writeAll(Array("x".utf8)) }
    recorder.reaction = { [unowned recorder] called in
      for registration in registrations where registration !== called { registration.cancel() }
      recorder.reaction = { _ in }
    }
    turn()
    #expect(recorder.events.count == 1)
    registrations = []
    turn()
    #expect(recorder.events.count == 1)
  }

  @Test func `an event for a former registration does not reach the one that took its place`() throws {
    let pipes = try (0..<3).map { _ in try Descriptor.pipe() }
    let other = EventRecorder()
    var registrations = try pipes[..<2].map { try loop.register($0.reader, .read, recorder) }
    var replacement: Registration?
    for pipe in pipes[..<2] { try pipe.writer.writeAll(Array("x".utf8)) }
    recorder.reaction = { [loop, unowned recorder] called in
      // The one that was not called yet: its event is already taken from the kernel.
      registrations.removeAll { $0 !== called }
      replacement = try? loop.register(pipes[2].reader, .read, other)
      recorder.reaction = { _ in }
    }
    turn()
    #expect(recorder.events.count == 1)
    #expect(replacement != nil)
    #expect(other.events.isEmpty)
  }

  @Test func `a regular file cannot be waited for, since it is always ready`() throws {
    let file = try Descriptor.reading("/proc/self/exe")
    #expect(throws: SystemError(EPERM)) { try loop.register(file, .read, recorder) }
  }

  @Test func `more ready descriptors than one turn takes are all reported`() throws {
    let pipes = try (0..<100).map { _ in try Descriptor.pipe() }
    let registrations = try pipes.map { try loop.register($0.reader, [.read, .once], recorder) }
    for pipe in pipes { try pipe.writer.writeAll(Array("x".utf8)) }
    for _ in 0..<3 { turn() }
    #expect(recorder.events.count == 100)
    withExtendedLifetime(registrations) {}
  }
}
