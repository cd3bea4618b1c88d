// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Writes messages to a descriptor, from any thread, without ever holding the process up.
///
/// A full pipe without a reader and a terminal after Ctrl-S take no bytes. A message that is not taken within a moment
/// is dropped, and so are the following ones, without a wait, until one is taken again; that one is preceded by the
/// number of those that were dropped.
public final class MessageStream: Sendable {
  /// The process's standard error.
  public static let standardError = MessageStream(.standardError)

  /// Longest wait for room.
  public static let longestWait = Duration.seconds(1)

  /// The beginning of each message.
  public static let prefix = "algo-run: "

  private static let eraseLine = "\r\u{1b}[K"

  private struct State {
    var dropped = 0
    /// The last message was not taken.
    var isStalled = false
    /// Only a part of the last message was taken.
    var isTorn = false
    /// The line of a display that stands behind the last message.
    var shown = ""
  }

  private let descriptor: Descriptor
  /// Whether it is a pipe or a terminal, which can be opened another time.
  private let canBeReopened: Bool
  private let state = Mutex(State())

  /// A stream to `descriptor`, which may be shared with other processes and stays as it is.
  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    canBeReopened = descriptor.withNumber { number in
      var status = stat()
      return unsafe fstat(number, &status) == 0 && (status.st_mode & S_IFMT == S_IFIFO || isatty(number) == 1)
    }
  }

  /// Writes `algo-run: `, the message and a newline. The line of a display is erased first, until it is shown again.
  public func print(_ message: String) { print([message]) }

  /// Writes several messages together.
  public func print(_ messages: [String]) {
    guard !messages.isEmpty else { return }
    print(messages.flatMap { Array("\(Self.prefix)\($0)\n".utf8) }, count: messages.count)
  }

  /// Writes messages that each begin with ``prefix`` and end in a newline together.
  public func print(_ lines: [UInt8], count: Int) {
    state.withLock { state in
      var text = state.isTorn ? "\n" : state.shown.isEmpty ? "" : Self.eraseLine
      state.shown = ""
      if state.dropped > 0 { text += "\(Self.prefix)\(state.dropped) earlier message(s) could not be written here.\n" }
      let all = text.isEmpty ? lines : Array(text.utf8) + lines
      state.isStalled = !write(all, &state, waiting: state.isStalled ? .zero : Self.longestWait)
      state.dropped = state.isStalled ? state.dropped + count : 0
    }
  }

  /// Shows a line on a terminal in place of the one that was shown last; an empty one erases it. It is dropped
  /// immediately if there is no room.
  public func show(_ line: String) {
    state.withLock { state in
      guard line != state.shown else { return }
      state.shown = line
      // One write, and the rest of the line erased after the text rather than before it: nothing flickers.
      let text = line.isEmpty ? Self.eraseLine : "\r\(line)\u{1b}[K"
      if write(Array(text.utf8), &state, waiting: .zero) { state.isStalled = false }
    }
  }

  /// Writes a piece of a display that is drawn again and again. It is dropped immediately if there is no room.
  public func draw(_ bytes: [UInt8]) {
    state.withLock { state in
      if write(bytes, &state, waiting: .zero) { state.isStalled = false }
    }
  }

  /// Whether all of `bytes` was taken.
  private func write(_ bytes: [UInt8], _ state: inout State, waiting limit: Duration) -> Bool {
    let written = write(bytes, until: .now() + limit)
    if written > 0 { state.isTorn = written < bytes.count }
    return written == bytes.count
  }

  /// Returns how many bytes were taken; all count as taken if the stream is gone, as nothing else is to be done.
  private func write(_ bytes: [UInt8], until deadline: MonotonicInstant) -> Int {
    let own = unblocked()
    return (own ?? descriptor).withNumber { number in
      var written = 0
      while written < bytes.count {
        // Of a descriptor that may block, only as much is written in one step as a pipe that polls writable takes.
        guard own != nil || hasRoom(number, until: deadline) else { return written }
        let end = own == nil ? min(written + Int(PIPE_BUF), bytes.count) : bytes.count
        let count = WriteSignals.blocked {
          unsafe bytes[written..<end].withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
        }
        if count > 0 {
          written += count
        } else if count < 0, errno == EAGAIN {
          guard hasRoom(number, until: deadline) else { return written }
        } else if count == 0 || errno != EINTR {
          return bytes.count
        }
      }
      return written
    }
  }

  /// The same pipe or terminal, opened another time. Writes to it return immediately, while the descriptor itself stays
  /// blocking for the processes that share it. Nil for other files, and if it cannot be opened: without `/proc`, or if
  /// it belongs to another user.
  private func unblocked() -> Descriptor? {
    guard canBeReopened else { return nil }
    return descriptor.withNumber { number in
      try? Descriptor.open("/proc/self/fd/\(number)", flags: O_WRONLY | O_NONBLOCK | O_NOCTTY, mode: 0)
    }
  }

  private func hasRoom(_ number: Int32, until deadline: MonotonicInstant) -> Bool {
    while true {
      var entry = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      let count = unsafe poll(&entry, 1, deadline.millisecondsAway(from: .now()))
      if count >= 0 || errno != EINTR { return count != 0 }
    }
  }
}
