// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The only file that writes: to the descriptor of `ALGO_METRICS_FD`, to stderr for `ALGO_METRICS_ECHO`, and the
/// answers of a worker.
///
/// Nothing here fails for the state of a descriptor, and no signal of ours reaches the program: telemetry does no harm.
enum MetricsChannel {
  /// How long a report waits for a full pipe that was made non-blocking.
  private static let patienceMilliseconds: CInt = 1000

  static func send(_ line: [UInt8]) {
    echo(line)
    guard let number = variable("ALGO_METRICS_FD"), let descriptor = DescriptorNumber.parse(number) else { return }
    WriteLock.shared.withLock {
      if GivenDescriptor.isStillGiven(descriptor) { write(line, to: descriptor) }
    }
  }

  static func echo(_ line: [UInt8]) {
    if variable("ALGO_METRICS_ECHO") == "1" { WriteLock.shared.withLock { write(line, to: 2) } }
  }

  static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// One write of the whole line; more only after a short write. Returns the error number that lost it, or 0.
  @discardableResult
  static func write(_ line: [UInt8], to descriptor: CInt) -> CInt {
    // A closed reader raises SIGPIPE, whose default is fatal. The signal goes to the writing thread alone, so this
    // thread holds it off, takes it away, and leaves the disposition to the program.
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    var pending = sigset_t()
    sigpending(&pending)
    let waiting = sigismember(&pending, SIGPIPE) == 1

    let failure = line.withUnsafeBytes { writeAll($0, to: descriptor) }

    if failure == EPIPE && !waiting {
      var atOnce = timespec()
      while sigtimedwait(&brokenPipe, nil, &atOnce) < 0 && errno == EINTR {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return failure
  }

  /// The error number that lost the line, or 0.
  private static func writeAll(_ line: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt {
    var rest = line
    while let start = rest.baseAddress, !rest.isEmpty {
      let count = Glibc.write(descriptor, start, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&room, 1, patienceMilliseconds) == 1 else { return EAGAIN }
      case let failure: return failure
      }
    }
    return 0
  }
}

/// The number in `ALGO_METRICS_FD`.
enum DescriptorNumber {
  /// Nil for anything but digits: that is not a supervisor.
  static func parse(_ text: String) -> CInt? {
    let digits = text.utf8
    guard digits.count < 10, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return CInt(text)
  }
}
