// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Platform
public import ProcessSupervision

/// Runs `body` with a supervisor, as the body of an exit test, and ends the process.
///
/// A supervisor takes over the signals and the children of its process and needs its main thread. Of a test process the
/// main thread belongs to libdispatch, so `body` runs in a fork: its only thread is its main thread. A requirement that
/// is not met becomes the exit code, see ``require(_:)``.
public func supervise(_ body: (Supervision) throws -> Void) {
  let child = fork { try body(try Supervision()) }
  var status: CInt = 0
  waitpid(child, &status, 0)
  exit(status & 0x7f == 0 ? status >> 8 : EXIT_FAILURE)
}

/// Runs `body` in a copy of this process, which must have no other thread that does anything; gives the copy's number.
public func fork(_ body: () throws -> Void) -> Int32 {
  // Swift hides fork.
  guard let symbol = dlsym(nil, "fork") else { exit(EXIT_FAILURE) }
  let child = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
  guard child == 0 else { return child }
  // Threads of libdispatch block most signals.
  var none = sigset_t()
  sigemptyset(&none)
  sigprocmask(SIG_SETMASK, &none, nil)
  // A test that hangs ends.
  alarm(300)
  do { try body() } catch { _exit(EXIT_FAILURE) }
  _exit(EXIT_SUCCESS)
}

/// Ends the process of a test if the condition does not hold. The exit code is the number of the requirement, counted from 1:
/// in an exit test all have the same line.
public func require(_ condition: Bool) {
  requirements += 1
  if !condition { _exit(requirements) }
}

nonisolated(unsafe) private var requirements: Int32 = 0

/// A supervisor with its loop.
public final class Supervision {
  /// Its loop.
  public let loop: EventLoop
  /// The supervisor.
  public let supervisor: Supervisor
  /// The signals that were reported so far.
  public private(set) var signals: [Int32] = []

  /// Creates both.
  public init() throws {
    loop = try EventLoop()
    supervisor = try Supervisor(on: loop)
  }

  /// Launches a shell that runs `script`. Its descriptors 1 and 3 go to `output`.
  public func launch(
    _ script: String, output: Output = Output(), _ configure: (inout SpawnConfiguration) -> Void = { _ in }
  ) throws -> Child {
    var configuration = SpawnConfiguration(
      command: ["/bin/sh", "-c", script].map { OSString($0) }, environment: [OSString("PATH=/usr/bin:/bin")])
    configuration.outputs = [OutputPipe(descriptor: 1, to: output), OutputPipe(descriptor: 3, to: output)]
    configure(&configuration)
    return try supervisor.launch(configuration)
  }

  /// Turns the loop until `child` has ended.
  public func end(of child: Child) -> ChildExit {
    while true {
      if let exit = child.exit { return exit }
      turn()
    }
  }

  /// Turns the loop until `condition` holds.
  public func turn(until condition: () -> Bool) { while !condition() { turn() } }

  private func turn() {
    loop.turn(until: .now() + .milliseconds(50))
    signals += supervisor.takeSignals().map(\.number)
    _ = supervisor.takeEndedChildren()
  }
}

/// Collects what a child writes.
public final class Output: OutputReceiver {
  private var bytes: [Int32: [UInt8]] = [:]

  /// Nothing yet.
  public init() {}

  /// Takes bytes.
  public func receive(_ bytes: UnsafeRawBufferPointer, from descriptor: Int32) {
    self.bytes[descriptor, default: []].append(contentsOf: bytes)
  }

  /// The bytes written to one descriptor, as text.
  public func text(_ descriptor: Int32 = 1) -> String { String(decoding: bytes[descriptor] ?? [], as: UTF8.self) }

  /// The number in the first line.
  public var number: Int32? { text().split(separator: "\n").first.flatMap { Int32($0) } }

  /// How many bytes were written.
  public func count(_ descriptor: Int32 = 1) -> Int { bytes[descriptor]?.count ?? 0 }
}
